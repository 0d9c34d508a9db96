"""Questionnaires, libraries and value sets by themselves, error reports, and what the endpoints claim."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.conformance.dtr.service import (
    BASE,
    FHIR_JSON,
    MACRILEN,
    VERSIONS,
    Resource,
    client,
    codes,
    get,
    parameters,
    post,
    refusal,
)
from tests.profiles.base import base_findings

KINDS = ("Questionnaire", "Library", "ValueSet")
BOTH = ["cigna-1701-macrilen-2024.7.1", "cigna-1701-macrilen-2024.7.1-adaptive"]
SMALL = "https://cds-service.example/ValueSet/acute-pain"


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def found(version: str, query: str) -> list[Resource]:
    """The resources of a search."""
    bundle = get(version, query)
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    return [each["resource"] for each in bundle.get("entry", ())]


# -- read and search -----------------------------------------------------------------------------------------


@pytest.mark.requirement("dtr-2.2.0@spec-13", "dtr-2.2.0@spec-12")
@pytest.mark.parametrize("kind", KINDS)
def test_everything_on_file_can_be_found_page_by_page_and_read(version: str, kind: str) -> None:
    seen: list[str] = []
    path = f"{kind}?_count=7"
    while path:
        bundle = get(version, path)
        assert len(bundle["entry"]) <= 7
        for entry in bundle["entry"]:
            assert entry["search"] == {"mode": "match"}
            assert entry["fullUrl"] == f"{BASE}/{version}/{kind}/{entry['resource']['id']}"
            seen.append(entry["resource"]["id"])
        following = [each["url"] for each in bundle["link"] if each["relation"] == "next"]
        path = following[0].removeprefix(f"{BASE}/{version}/") if following else ""
    assert len(seen) == len(set(seen)) == bundle["total"] > 5
    for identity in (seen[0], seen[-1]):
        assert get(version, f"{kind}/{identity}")["id"] == identity


def test_real_clients_find_libraries_and_value_sets_by_their_canonical(version: str) -> None:
    for kind in ("Library", "ValueSet"):
        for each in found(version, f"{kind}?_count=100"):
            canonical = f"{each['url']}|{each['version']}"
            assert [one["id"] for one in found(version, f"{kind}?url={canonical}")] == [each["id"]]
            assert [
                one["id"] for one in found(version, f"{kind}?url={each['url']}&version={each['version']}")
            ] == [each["id"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_id=cigna-1701-macrilen-2024.7.1", ["cigna-1701-macrilen-2024.7.1"]),
        (f"url={MACRILEN}", ["cigna-1701-macrilen-2024.7.1"]),
        (f"url={MACRILEN}|2024.7.1", ["cigna-1701-macrilen-2024.7.1"]),
        (f"url={MACRILEN}|1.0.0", []),
        ("name=Cigna1701Mac", BOTH),
        ("name:exact=cigna1701macrilen", []),
        ("title:contains=MACIMORELIN", BOTH),
        ("title=macri&status=active&version=2024.7.1", BOTH),
        ("status=retired", []),
        ("_id=cigna-1701-macrilen-2024.7.1,nobody", ["cigna-1701-macrilen-2024.7.1"]),
        ("_id=cigna-1701-macrilen-2024.7.1&nonsense=1", ["cigna-1701-macrilen-2024.7.1"]),
        ("_count=0", []),
    ],
)  # fmt: skip
def test_a_search_finds_what_it_names(version: str, query: str, expected: list[str]) -> None:
    assert [each["id"] for each in found(version, f"Questionnaire?{query}")] == expected
    by_form = client().post(
        f"/fhir/dtr/{version}/Questionnaire/_search",
        data=query,
        content_type="application/x-www-form-urlencoded",
    )
    assert [each["resource"]["id"] for each in by_form.get_json().get("entry", ())] == expected


@pytest.mark.parametrize("query", ["_count=x", "_offset=-1", "name:missing=true", "url:above=x"])
def test_a_search_that_makes_no_sense_is_refused(version: str, query: str) -> None:
    assert refusal(client().get(f"/fhir/dtr/{version}/Questionnaire?{query}"), 400) == "CDS-1216"


def test_an_unknown_parameter_is_refused_where_the_client_wants_that() -> None:
    strict = {"Prefer": "handling=strict"}
    response = client().get("/fhir/dtr/2.2/Library?nonsense=1", headers=strict)
    assert refusal(response, 400) == "CDS-1216"


@pytest.mark.parametrize(
    "path",
    [*(f"{each}/nobody" for each in KINDS), "Questionnaire/nobody-adaptive", "Patient/1", "Patient", "x/y/z"],
)  # fmt: skip
def test_what_is_not_there_is_a_404(version: str, path: str) -> None:
    response = client().get(f"/fhir/dtr/{version}/{path}")
    assert refusal(response, 404) in ("CDS-1213", "CDS-1404")


def test_a_canonical_leads_to_its_resource_and_browsers_to_the_policy() -> None:
    for path in ("Questionnaire/cigna-1701-macrilen", "Library/Common"):
        response = client().get(f"/fhir/dtr/{path}", headers={"Accept": FHIR_JSON})
        assert response.status_code == 200
        assert response.get_json()["url"] == f"{BASE}/{path}"
    accept = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
    for identity in ("cigna-1701-macrilen", "cigna-1701-macrilen-2024.7.1", "cigna-1701-macrilen-adaptive"):
        page = client().get(f"/fhir/dtr/Questionnaire/{identity}", headers=accept)
        assert page.headers["Location"] == "http://127.0.0.1:8000/policies/cigna-1701/2024-07-01"
    assert client().get("/fhir/dtr/Questionnaire/nobody", headers=accept).status_code == 404


# -- expansion -----------------------------------------------------------------------------------------------


@pytest.mark.requirement("dtr-2.2.0@oper-5", "dtr-2.0.1@240")
def test_a_value_set_is_expanded_as_of_today_to_active_codes(version: str) -> None:
    for each in found(version, "ValueSet?_count=100"):
        response = client().get(
            f"/fhir/dtr/{version}/ValueSet/$expand", query_string={"url": each["url"], "count": "500"}
        )
        assert response.status_code == 200, each["url"]
        expansion = response.get_json()["expansion"]
        assert expansion["timestamp"][:10] == datetime.now(UTC).date().isoformat()
        assert expansion["total"] >= len(expansion["contains"]) > 0
        assert {"name": "activeOnly", "valueBoolean": True} in expansion["parameter"]
        assert not any(code.get("inactive") or code.get("abstract") for code in expansion["contains"])


def test_a_filter_and_pages_make_an_expansion_smaller(version: str) -> None:
    path = f"/fhir/dtr/{version}/ValueSet/$expand"
    whole = client().get(path, query_string={"url": SMALL}).get_json()["expansion"]
    some = client().get(path, query_string={"url": SMALL, "filter": "TRAUMA"}).get_json()["expansion"]
    assert 0 < some["total"] < whole["total"]
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "url", "valueUri": SMALL},
            {"name": "filter", "valueString": "trauma"},
            {"name": "count", "valueInteger": 1},
            {"name": "offset", "valueInteger": 0},
        ],
    }
    by_post = orjson.loads(post(version, "ValueSet/$expand", body).data)["expansion"]
    assert by_post["contains"] == some["contains"][:1]
    assert by_post["total"] == some["total"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "CDS-1220"),
        ({"url": "https://other.example.org/ValueSet/x"}, 404, "CDS-1213"),
        ({"url": f"{SMALL}|0"}, 404, "CDS-1213"),
        ({"url": SMALL, "count": "many"}, 400, "CDS-1220"),
        ({"url": SMALL, "offset": "-1"}, 400, "CDS-1220"),
    ],
)
def test_what_cannot_be_expanded_is_refused(
    version: str, query: dict[str, str], status: int, code: str
) -> None:
    response = client().get(f"/fhir/dtr/{version}/ValueSet/$expand", query_string=query)
    assert refusal(response, status) == code


def test_an_expansion_of_very_many_codes_is_too_costly(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds_service.web.fhir_artifacts.MOST_CODES", 2)
    path = f"/fhir/dtr/{version}/ValueSet/$expand"
    assert refusal(client().get(path, query_string={"url": SMALL}), 422) == "CDS-1214"
    assert client().get(path, query_string={"url": SMALL, "count": "2"}).status_code == 200


@pytest.mark.requirement("dtr-2.0.1@316")
def test_every_value_set_of_a_2_0_1_package_can_be_expanded_so_that_no_warning_is_due() -> None:
    assert all("expansion" in each for each in found("2.0.1", "ValueSet?_count=100"))


# -- error reports -------------------------------------------------------------------------------------------

SECRET = "Ungewitter, born 1961"


def report(**issue: Any) -> Resource:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "invalid", "diagnostics": SECRET, **issue}],
    }
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "questionnaire", "valueCanonical": f"{MACRILEN}|2024.7.1"},
            {"name": "operationOutcome", "resource": outcome},
        ],
    }


NO_OUTCOME = {"name": "operationOutcome", "resource": {"resourceType": "Patient"}}


@pytest.fixture
def reporting(tmp_path: Path) -> tuple[FlaskClient, Path]:
    """A client of a service of its own, and its database."""
    database = tmp_path / "reports.sqlite3"
    return create_app(Settings(database_url=f"sqlite:///{database}")).test_client(), database


@pytest.mark.requirement("dtr-2.2.0@oper-1", "dtr-2.0.1@284")
def test_an_error_report_is_kept_and_the_log_tells_nothing_of_a_patient(
    reporting: tuple[FlaskClient, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    service, database = reporting
    paths = [f"/fhir/dtr/{each}/Questionnaire/$log-questionnaire-errors" for each in VERSIONS]
    body = report(expression=[f"{SECRET}", "x"])
    for path in paths:
        assert service.post(path, json=body).status_code == 204
    old = report(severity=SECRET, code=SECRET)  # the names of 2.0.1, and what is no code at all
    old["parameter"][0]["name"], old["parameter"][1]["name"] = "Questionnaire", "OperationOutcome"
    old["parameter"][0]["valueCanonical"] = f"https://other.example.org/{SECRET}"
    assert service.post(paths[0], json=old).status_code == 204
    written = capsys.readouterr().err
    assert "questionnaire error reported" in written
    assert "Ungewitter" not in written
    for _ in range(50):
        kept = rows_of(database)
        if len(kept) == 2:
            break
        time.sleep(0.1)
    assert [each[0] for each in kept] == [f"https://other.example.org/{SECRET}", f"{MACRILEN}|2024.7.1"]
    issues = [orjson.loads(each[1]) for each in kept]
    assert issues == [
        [{"severity": "unknown", "code": "unknown"}],
        [{"severity": "error", "code": "invalid"}],
    ]
    assert b"Ungewitter" not in b"".join(each[2] for each in kept)


def rows_of(database: Path) -> list[Any]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(
            "select questionnaire, issues, sealed from form_error order by questionnaire desc"
        ).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": report()["parameter"][:1]},
        {"resourceType": "Parameters", "parameter": report()["parameter"][1:]},
        {"resourceType": "Parameters", "parameter": [{"name": "questionnaire", "valueCanonical": 5}]},
        {
            "resourceType": "Parameters",
            "parameter": [report()["parameter"][0], NO_OUTCOME],
        },
    ],
)  # fmt: skip
def test_a_report_that_reports_nothing_is_refused(version: str, body: Resource) -> None:
    assert refusal(post(version, "Questionnaire/$log-questionnaire-errors", body), 400) == "CDS-1220"


def test_calls_packages_and_error_reports_are_counted(reporting: tuple[FlaskClient, Path]) -> None:
    service, _ = reporting
    base = "/fhir/dtr/2.2/Questionnaire"
    assert service.post(f"{base}/$log-questionnaire-errors", json=report()).status_code == 204
    body = parameters(questionnaires=[MACRILEN])
    assert service.post(f"{base}/$questionnaire-package", json=body).status_code == 200
    assert service.post(f"{base}/$next-question", json=body).status_code == 400
    assert service.get("/fhir/dtr/9.9/metadata").status_code == 404
    figures = service.get("/metrics").get_data(as_text=True)
    form = f"{MACRILEN}|2024.7.1"
    for line in (
        f'cds_dtr_form_errors_total{{questionnaire="{form}"}} 1.0',
        f'cds_dtr_packages_total{{questionnaire="{form}",version="2.2"}} 1.0',
        'cds_fhir_requests_total{endpoint="questionnaire_package",status="200",version="2.2"} 1.0',
        'cds_fhir_requests_total{endpoint="next_question",status="400",version="2.2"} 1.0',
        'cds_fhir_requests_total{endpoint="capabilities",status="404",version="none"} 1.0',
        'cds_errors_total{code="CDS-1220"} 1.0',
    ):
        assert line in figures


# -- what the endpoints say of themselves --------------------------------------------------------------------


@pytest.mark.requirement("dtr-2.2.0@conf-1", "dtr-2.0.1@239", "dtr-2.0.1@240", "dtr-2.0.1@25")
def test_the_capability_statement_claims_the_payer_service_and_what_it_claims_is_there(version: str) -> None:
    statement = get(version, "metadata")
    number = {"2.0.1": "2.0.1", "2.2": "2.2.0"}[version]
    assert statement["instantiates"] == [
        f"http://hl7.org/fhir/us/davinci-dtr/CapabilityStatement/dtr-payer-service|{number}"
    ]
    assert (statement["kind"], statement["fhirVersion"], statement["format"]) == (
        "instance",
        "4.0.1",
        ["json"],
    )
    (rest,) = statement["rest"]
    claimed = {each["type"]: each for each in rest["resource"]}
    assert set(claimed) == set(KINDS)
    operations = {each["name"]: kind for kind in claimed for each in claimed[kind].get("operation", ())}
    assert operations == {
        "questionnaire-package": "Questionnaire",
        "next-question": "Questionnaire",
        "log-questionnaire-errors": "Questionnaire",
        "expand": "ValueSet",
    }
    for name, kind in operations.items():
        response = post(version, f"{kind}/${name}", {"resourceType": "Parameters"})
        assert response.status_code == 400
        assert codes(response.get_json()["issue"])[0] in ("CDS-1220", "CDS-1210")
    for kind, each in claimed.items():
        assert {one["code"] for one in each["interaction"]} == {"read", "search-type"}
        known = found(version, f"{kind}?_count=1")[0]
        for parameter in each["searchParam"]:
            value = known[parameter["name"].removeprefix("_")]
            assert known["id"] in [
                one["id"] for one in found(version, f"{kind}?{parameter['name']}={value}&_count=100")
            ]


def test_the_capability_statement_is_valid_fhir(version: str) -> None:
    assert list(base_findings(get(version, "metadata"))) == []
