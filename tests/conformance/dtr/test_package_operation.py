"""What $questionnaire-package answers: for a decision, for orders, for canonicals, and for all at once."""

from __future__ import annotations

import copy
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from cds_service.app import create_app
from cds_service.coverage_check.documentation import Documentation
from cds_service.coverage_check.open_documentation import OpenDocumentation
from cds_service.decisions.model import Outcome
from cds_service.settings import Settings
from cds_service.store.enrolment import Enrolment
from cds_service.store.members import write_members
from tests import profiles
from tests.conformance.crd import service as crd
from tests.conformance.dtr.service import (
    ADAPTIVE,
    BASE,
    DTR,
    KETAMINE,
    MACRILEN,
    PACKAGE_PARAMETER,
    VERSIONS,
    Resource,
    answered,
    app,
    bundles,
    client,
    codes,
    coverage,
    draft,
    extensions,
    issues,
    items,
    order,
    package,
    parameters,
    post,
    questionnaire,
    questions,
    refusal,
)

PACKAGE = "Questionnaire/$questionnaire-package"
CALL = "/cds-services/order-sign-crd"


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def open_order(**elements: Any) -> Resource:
    """An order whose decision needs documentation."""
    return order(**elements)


def asserted(*orders: Resource) -> dict[str, list[Any]]:
    """What the hook says of an order when the chart holds no body mass index."""
    document = crd.call(
        "order-sign", *(orders or (open_order(),)), prefetch=crd.chart(observations=crd.bundle())
    )
    response = client().post(CALL, json=document)
    assert response.status_code == 200
    said: dict[str, list[Any]] = crd.said(response.get_json())
    return said


def context() -> str:
    """The coverage-assertion-id of a decision that needs documentation."""
    said = asserted()
    assert said["questionnaire"] == [f"{MACRILEN}|2024.7.1"]
    identity: str = said["coverage-assertion-id"][0]
    return identity


def named(answer: Resource, version: str) -> list[str]:
    """The canonicals of the packaged questionnaires."""
    found = [questionnaire(each) for each in bundles(answer, version)]
    return [f"{each['url']}|{each['version']}" for each in found]


def order_links(bundle: Resource) -> list[str]:
    links = extensions(draft(bundle), f"{DTR}/qr-context")
    references = [each["valueReference"]["reference"] for each in links]
    return [each for each in references if not each.startswith("Coverage/")]


# -- by context ----------------------------------------------------------------------------------------------


@pytest.mark.requirement(
    "dtr-2.2.0@oper-10", "dtr-2.2.0@oper-19", "dtr-2.2.0@spec-40", "dtr-2.0.1@169", "dtr-2.0.1@175",
    "dtr-2.0.1@239", "dtr-2.0.1@292", "dtr-2.0.1@298",
)  # fmt: skip
def test_a_decision_leads_to_its_own_form_filled_with_what_the_hook_was_told(version: str) -> None:
    answer = package(version, parameters(context=context()))
    assert answer["resourceType"] == "Parameters"
    assert {each["name"] for each in answer["parameter"]} == {PACKAGE_PARAMETER[version]}
    assert named(answer, version) == [f"{MACRILEN}|2024.7.1"]
    (bundle,) = bundles(answer, version)
    assert order_links(bundle) == ["MedicationRequest/order-1"]
    filled = {each["linkId"]: each["answer"] for each in items(draft(bundle)) if "answer" in each}
    assert set(filled) == {
        "used-to-diagnose-adult-growth-hormone-deficiency",
        "is-18-years-of-age-or-older",
    }
    for answers in filled.values():
        (origin,) = extensions(answers[0], f"{DTR}/information-origin")
        assert origin["extension"] == [
            {"url": "source", "valueCode": {"2.0.1": "auto", "2.2": "auto-server"}[version]}
        ]


def test_a_context_is_enough_without_a_coverage(version: str) -> None:
    answer = package(version, parameters(coverages=[], context=context()))
    assert named(answer, version) == [f"{MACRILEN}|2024.7.1"]


@pytest.mark.requirement("dtr-2.2.0@spec-130")
@pytest.mark.parametrize(
    "unknown", ["CA-AAAAAAAAAAAAAAAAAAAAAAAA", "forged", "'; drop table decision --", "<script>"]
)
def test_an_unknown_context_is_refused_and_tells_nothing(version: str, unknown: str) -> None:
    response = post(version, PACKAGE, parameters(questionnaires=[MACRILEN], context=unknown))
    assert refusal(response, 404) == "CDS-1050"
    assert unknown.encode() not in response.data


@pytest.mark.requirement("dtr-2.2.0@spec-128")
def test_an_order_that_changed_a_little_is_the_same_order(version: str) -> None:
    later = open_order(
        status="active",
        note=[{"text": "call the pharmacy"}],
        authoredOn="2024-09-02",
        dosageInstruction=[{"text": "once"}],
    )
    answer = package(version, parameters(later, context=context()))
    assert named(answer, version) == [f"{MACRILEN}|2024.7.1"]
    (bundle,) = bundles(answer, version)
    assert len([each for each in items(draft(bundle)) if "answer" in each]) == 2
    assert issues(answer, version) == []


@pytest.mark.requirement("dtr-2.2.0@prof-1")
def test_an_order_that_became_another_drug_is_decided_again(version: str) -> None:
    other = open_order(
        medicationCodeableConcept={
            "coding": [{"system": crd.RXNORM, "code": "105611", "display": "azathioprine"}]
        }
    )
    answer = package(version, parameters(other, context=context()))
    assert f"{MACRILEN}|2024.7.1" not in named(answer, version)
    assert codes(issues(answer, version))[0] == "CDS-1222"


@pytest.mark.requirement("dtr-2.2.0@spec-129")
def test_an_unrelated_order_beside_a_context_is_answered_for_itself(version: str) -> None:
    answer = package(version, parameters(open_order(id="order-2"), context=context()))
    (bundle,) = bundles(answer, version)
    assert order_links(bundle) == ["MedicationRequest/order-1", "MedicationRequest/order-2"]


def test_the_coverage_must_be_the_one_that_was_decided_about(version: str) -> None:
    body = parameters(coverages=[coverage(id="cov-2")], context=context())
    assert refusal(post(version, PACKAGE, body), 400) == "CDS-1212"


class WithoutForms:
    """A documentation whose decisions have no questionnaires, and perhaps another outcome by now."""

    def __init__(self, real: Documentation, outcome: Outcome | None = None) -> None:
        self._real = real
        self._outcome = outcome

    def open(self, assertion_id: str, client: str | None) -> OpenDocumentation:
        found = replace(self._real.open(assertion_id, client), forms=())
        if self._outcome is None:
            return found
        determination = found.assertion.determination._replace(outcome=self._outcome)
        return replace(found, assertion=found.assertion._replace(determination=determination))


@pytest.mark.requirement("dtr-2.2.0@oper-8")
@pytest.mark.parametrize(
    ("outcome", "severity", "said"),
    [
        (None, "warning", ("Body mass index", "+1-800-882-4462", "Cigna")),
        (Outcome.COVERED, "information", ("no further documentation is needed",)),
    ],
)
def test_a_decision_without_a_form_tells_what_to_do_instead(
    version: str, outcome: Outcome | None, severity: str, said: tuple[str, ...]
) -> None:
    identity, here = context(), app().extensions["cds_service"]
    app().extensions["cds_service"] = replace(here, documentation=WithoutForms(here.documentation, outcome))
    try:
        answer = package(version, parameters(context=identity))
    finally:
        app().extensions["cds_service"] = here
    assert bundles(answer, version) == []
    (found,) = issues(answer, version)
    assert found["severity"] == severity
    for words in said:
        assert words in found["details"]["text"]


def test_a_decision_that_answers_have_settled_says_so_and_shows_them(version: str) -> None:
    said = asserted(open_order(id=f"settled-{version}"))
    identity = said["coverage-assertion-id"][0]
    documentation = app().extensions["cds_service"].documentation
    opened = documentation.open(identity, None)
    (bundle,) = bundles(package(version, parameters(context=identity)), version)
    response = draft(bundle)
    question = next(each for each in questions(questionnaire(bundle)) if each["type"] == "quantity")
    response["item"].append(answered(question))
    response["status"] = "completed"
    documentation.submit(opened, [response], datetime.now(UTC))
    answer = package(version, parameters(context=identity))
    (information,) = issues(answer, version)
    assert codes([information]) == ["CDS-1221"]
    (bundle,) = bundles(answer, version)
    assert draft(bundle)["status"] == "in-progress"
    given = {each["linkId"] for each in items(draft(bundle)) if each.get("answer")}
    assert question["linkId"] in given


# -- by order ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("dtr-2.0.1@298", "dtr-2.2.0@conf-9")
def test_an_order_without_context_is_decided_by_what_came_with_it(version: str) -> None:
    answer = package(version, parameters(open_order()))
    assert named(answer, version) == [f"{MACRILEN}|2024.7.1"]
    born = {"resourceType": "Patient", "id": "pat-1", "birthDate": "1980-05-17"}
    richer = package(version, parameters(open_order(), referenced=[born]))
    plain, filled = (draft(bundles(each, version)[0]) for each in (answer, richer))
    assert len([each for each in items(filled) if "answer" in each]) == 1 + len(
        [each for each in items(plain) if "answer" in each]
    )


def ketamine(identity: str, day: str) -> Resource:
    """An infusion whose use is not said, of a payer that has two versions of its policy on file."""
    return open_order(
        id=identity,
        medicationCodeableConcept={"coding": [{"system": crd.NDC, "code": "67457-181-20"}]},
        reasonCode=[],
        dosageInstruction=[{"route": {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]}}],
        authoredOn=day,
    )


ALABAMA = coverage(payor=[{"display": "Blue Cross and Blue Shield of Alabama"}])


@pytest.mark.parametrize(("day", "number"), [("2024-03-01", "2024.1.1"), ("2024-11-01", "2024.10.1")])
def test_the_form_is_the_one_in_force_on_the_date_of_service(version: str, day: str, number: str) -> None:
    answer = package(version, parameters(ketamine("one", day), coverages=[ALABAMA]))
    assert f"{KETAMINE}|{number}" in named(answer, version)
    assert {each.partition("|")[2] for each in named(answer, version)} == {number}


@pytest.mark.requirement("dtr-2.2.0@oper-7", "dtr-2.0.1@300", "dtr-2.0.1@303", "dtr-2.0.1@306")
def test_versions_of_one_form_are_tied_to_distinct_orders(version: str) -> None:
    orders = (ketamine("early", "2024-03-01"), ketamine("late", "2024-11-01"))
    answer = package(version, parameters(*orders, coverages=[ALABAMA]))
    found = zip(named(answer, version), bundles(answer, version), strict=True)
    linked = {name: order_links(each) for name, each in found}
    assert linked[f"{KETAMINE}|2024.1.1"] == ["MedicationRequest/early"]
    assert linked[f"{KETAMINE}|2024.10.1"] == ["MedicationRequest/late"]


@pytest.mark.requirement("dtr-2.2.0@oper-7", "dtr-2.0.1@300")
def test_two_versions_for_nothing_in_particular_are_not_both_sent(version: str) -> None:
    both = [f"{BASE}/Questionnaire/cigna-1701-isuprel|{each}" for each in ("2024.7.1", "2025.6.1")]
    answer = package(version, parameters(questionnaires=both))
    assert named(answer, version) == both[:1]
    assert codes(issues(answer, version)) == ["CDS-1217"]


def test_one_form_for_two_orders_is_sent_once_and_names_both(version: str) -> None:
    answer = package(version, parameters(open_order(id="one"), open_order(id="two")))
    (bundle,) = bundles(answer, version)
    assert order_links(bundle) == ["MedicationRequest/one", "MedicationRequest/two"]


def test_where_no_questionnaire_applies_none_is_sent(version: str) -> None:
    adult = {"resourceType": "Patient", "id": "pat-1", "birthDate": "1980-05-17"}
    ketalar = open_order(
        medicationCodeableConcept={"coding": [{"system": crd.HCPCS, "code": "J3490"}], "text": "Ketalar"},
        reasonCode=[{"coding": [{"system": crd.ICD10, "code": "F32.9"}]}],
    )
    answer = package(version, parameters(ketalar, referenced=[adult]))
    assert bundles(answer, version) == []
    assert codes(issues(answer, version)) == ["CDS-1221"]


@pytest.mark.requirement("dtr-2.0.1@302", "dtr-2.0.1@305")
@pytest.mark.parametrize(
    "kind", ["DeviceRequest", "ServiceRequest", "NutritionOrder", "CommunicationRequest"]
)
def test_an_order_that_is_not_understood_is_a_warning(version: str, kind: str) -> None:
    answer = package(version, parameters(crd.order(kind)))
    assert bundles(answer, version) == []
    (warning,) = issues(answer, version)
    assert (warning["severity"], codes([warning])) == ("warning", ["CDS-1219"])
    assert warning["expression"] == ["Parameters.parameter[1].resource"]


def test_what_has_no_id_is_named_by_its_type(version: str) -> None:
    without = {key: value for key, value in open_order().items() if key != "id"}
    body = parameters(without, coverages=[coverage(id=None)], questionnaires=[KETAMINE])
    for bundle in bundles(package(version, body), version):
        named_so = [
            each["valueReference"]
            for each in draft(bundle)["extension"]
            if each["url"] in (f"{DTR}/qr-context", f"{DTR}/qr-coverage")
        ]
        assert [each["type"] for each in named_so] == ["Coverage", "MedicationRequest"]
        assert not any("reference" in each for each in named_so)


# -- by canonical --------------------------------------------------------------------------------------------


@pytest.mark.requirement("dtr-2.0.1@297")
def test_a_canonical_without_version_means_the_current_one(version: str) -> None:
    isuprel = f"{BASE}/Questionnaire/cigna-1701-isuprel"
    assert named(package(version, parameters(questionnaires=[isuprel])), version) == [f"{isuprel}|2025.6.1"]
    older = f"{isuprel}|2024.7.1"
    assert named(package(version, parameters(questionnaires=[older])), version) == [older]


@pytest.mark.requirement("dtr-2.2.0@oper-9", "dtr-2.0.1@301", "dtr-2.0.1@305")
@pytest.mark.parametrize(
    "canonical", ["https://other.example.org/Questionnaire/x", f"{MACRILEN}|9.9.9", f"{MACRILEN}-other", "x"]
)
def test_a_questionnaire_that_is_not_on_file_is_a_warning(version: str, canonical: str) -> None:
    answer = package(version, parameters(questionnaires=[canonical, KETAMINE]))
    assert len(bundles(answer, version)) == 1
    (warning,) = issues(answer, version)
    assert (warning["severity"], warning["code"]) == ("warning", "not-found")
    assert codes([warning]) == ["CDS-1217"]
    assert warning["expression"] == ["Parameters.parameter[1]"]


@pytest.mark.requirement("dtr-2.0.1@299", "dtr-2.0.1@303", "dtr-2.0.1@306")
def test_the_answer_is_the_union_with_each_form_once(version: str) -> None:
    canonicals = [f"{MACRILEN}|2024.7.1", KETAMINE, MACRILEN, ADAPTIVE]
    answer = package(version, parameters(open_order(), questionnaires=canonicals, context=context()))
    found = named(answer, version)
    assert len(found) == len(set(found)) == 3
    assert found[0] == f"{MACRILEN}|2024.7.1"
    assert {each.partition("|")[0] for each in found} == {MACRILEN, KETAMINE, ADAPTIVE}


@pytest.mark.requirement("dtr-2.2.0@oper-10", "dtr-2.0.1@294")
def test_the_answer_meets_the_output_profile() -> None:
    answer = package("2.0.1", parameters(open_order(), questionnaires=["x"], context=context()))
    for each in answer["parameter"]:
        if each["resource"]["resourceType"] == "Bundle":
            entries = each["resource"]["entry"]
            each["resource"]["entry"] = [entries[0], entries[-1]]
    published = profiles.packages("davinci_dtr_2.0.1", "uscore311", "davinci-crd-2.0.1")
    found = profiles.errors(answer, published, f"{DTR}/dtr-qpackage-output-parameters")
    assert [each for each in found if ".entry" not in each.path] == []


# -- changed since -------------------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_sent_again(version: str) -> None:
    now = datetime.now(UTC)
    for moment, sent in ((now + timedelta(seconds=1), 0), (now - timedelta(days=400), 1)):
        since = moment.isoformat().replace("+00:00", "Z")
        answer = package(version, parameters(questionnaires=[MACRILEN], changed_since=since))
        assert len(bundles(answer, version)) == sent
        assert codes(issues(answer, version)) == ([] if sent else ["CDS-1221"])


# -- what is wrong -------------------------------------------------------------------------------------------


@pytest.mark.requirement("dtr-2.2.0@spec-130", "dtr-2.2.0@oper-11")
def test_a_coverage_of_a_payer_that_is_not_served_here_is_refused(version: str) -> None:
    stranger = coverage(payor=[{"display": "Some Other Insurance"}])
    for body in (
        parameters(coverages=[stranger], questionnaires=[MACRILEN]),
        parameters(open_order(), coverages=[stranger]),
    ):
        assert refusal(post(version, PACKAGE, body), 400) == "CDS-1031"


@pytest.mark.requirement("dtr-2.2.0@spec-130")
def test_where_members_are_looked_up_an_unknown_one_is_refused(version: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/members.sqlite3"
    begun, over = date(2024, 1, 1), date(2024, 12, 31)
    ended = Enrolment("cigna", "W123456789", "Ada", date(1980, 5, 17), "gold", None, begun, over, ())
    write_members(url, [ended, ended._replace(member_id="W2", effective_to=None)], replace_all=True)
    service = create_app(Settings(database_url=url, member_lookup="table", log_level="ERROR")).test_client()

    def answer(*orders: Resource, member: str) -> TestResponse:
        body = parameters(*orders, coverages=[coverage(subscriberId=member)], questionnaires=[MACRILEN])
        return service.post(f"/fhir/dtr/{version}/{PACKAGE}", json=body)

    assert answer(member="W2").status_code == 200
    assert refusal(answer(member="W404"), 400) == "CDS-1211"
    assert refusal(answer(open_order(), member="W404"), 400) == "CDS-1211"
    assert refusal(answer(member="W123456789"), 400) == "CDS-1211"
    assert answer(open_order(), member="W123456789").status_code == 200  # covered on the date of service


def test_a_coverage_that_names_its_payer_elsewhere_is_no_reason_to_refuse(version: str) -> None:
    elsewhere = coverage(payor=[{"reference": "Organization/org-1"}])
    assert package(version, parameters(coverages=[elsewhere], questionnaires=[MACRILEN]))["parameter"]
    payer = {"resourceType": "Organization", "id": "org-1", "name": "Cigna"}
    found = package(version, parameters(open_order(), coverages=[elsewhere], referenced=[payer]))
    assert named(found, version) == [f"{MACRILEN}|2024.7.1"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (parameters(), "CDS-1210"),
        (parameters(coverages=[]), "CDS-1210"),
        (parameters(coverages=[], questionnaires=[MACRILEN]), "CDS-1220"),
        ({"resourceType": "Bundle"}, "CDS-1220"),
        ({"resourceType": "Parameters", "parameter": {}}, "CDS-1220"),
        ({"resourceType": "Parameters", "parameter": [{"resource": {}}]}, "CDS-1220"),
        ({"resourceType": "Parameters", "parameter": [{"name": "order", "resource": order()}]}, "CDS-1220"),
        (parameters(coverages=[{"resourceType": "Patient"}], questionnaires=[MACRILEN]), "CDS-1220"),
        (parameters({"resourceType": "Claim"}), "CDS-1220"),
        (parameters(questionnaires=[""]), "CDS-1220"),
        (parameters(context=""), "CDS-1220"),
        (parameters(context="x" * 300), "CDS-1220"),
        (parameters(questionnaires=[MACRILEN], changed_since="yesterday"), "CDS-1220"),
        (parameters(coverages=[coverage(beneficiary=None)], questionnaires=[MACRILEN]), "CDS-1220"),
        ([], "CDS-1220"),
        (b"", "CDS-1001"),
        (b"{", "CDS-1002"),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_named(version: str, body: object, code: str) -> None:
    assert refusal(post(version, PACKAGE, body), 400) == code


def test_several_coverages_are_for_2_0_1_only() -> None:
    other = coverage(id="cov-2", payor=[{"display": "Some Other Insurance"}])
    body = parameters(coverages=[other, coverage()], questionnaires=[MACRILEN])
    assert package("2.0.1", body)["parameter"]
    assert refusal(post("2.2", PACKAGE, body), 400) == "CDS-1220"
    for_the_second = parameters(open_order(), coverages=[other, coverage()])
    assert named(package("2.0.1", for_the_second), "2.0.1") == [f"{MACRILEN}|2024.7.1"]


@pytest.mark.requirement("dtr-2.2.0@conf-8", "dtr-2.2.0@conf-9", "dtr-2.2.0@conf-12")
def test_nothing_is_needed_but_what_the_profiles_require(version: str) -> None:
    bare = {
        "resourceType": "Coverage",
        "id": "cov-1",
        "status": "active",
        "beneficiary": {"reference": "Patient/pat-1"},
        "payor": [{"display": "Cigna"}],
    }
    drug = {
        "resourceType": "MedicationRequest",
        "id": "order-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": crd.NDC, "code": "0169-1401-01"}]},
        "subject": {"reference": "Patient/pat-1"},
        "authoredOn": "2024-09-01",
    }
    assert named(package(version, parameters(drug, coverages=[bare])), version) == [f"{MACRILEN}|2024.7.1"]
    assert named(package(version, parameters(coverages=[bare], questionnaires=[KETAMINE])), version)


# -- where and how -------------------------------------------------------------------------------------------


@pytest.mark.requirement("dtr-2.2.0@spec-6", "dtr-2.0.1@23", "dtr-2.0.1@25")
def test_one_base_address_takes_every_operation_and_discovery_names_it(version: str) -> None:
    statement = client().get(f"/fhir/dtr/{version}/metadata").get_json()
    base = statement["implementation"]["url"]
    endpoints = client().get("/.well-known/davinci-configuration").get_json()
    key = f"davinci_dtr_qpackage_endpoint#{'2.0' if version == '2.0.1' else '2.2'}"
    assert endpoints[key] == base == f"{BASE}/{version}"
    body = parameters(questionnaires=[MACRILEN])
    for path in (PACKAGE, "$questionnaire-package"):
        assert post(version, path, body).get_json().keys() == {"resourceType", "parameter"}


@pytest.mark.requirement("dtr-2.2.0@spec-8")
def test_discovery_names_every_endpoint_that_there_is() -> None:
    endpoints = client().get("/.well-known/davinci-configuration").get_json()
    assert {each.partition("#")[0] for each in endpoints} == {
        "davinci_crd_hook_endpoint",
        "davinci_dtr_qpackage_endpoint",
    }
    assert client().get("/cds-services").status_code == 200


@pytest.mark.parametrize(
    ("accept", "query", "status"),
    [
        ("application/fhir+json", "", 200),
        ("application/json", "", 200),
        ("application/fhir+json;fhirVersion=4.0", "", 200),
        ("application/fhir+json; fhirVersion=4.0; q=0.9, application/fhir+xml", "", 200),
        ("application/fhir+json;q=0, application/fhir+xml", "", 406),
        ("", "", 200),
        ("*/*", "", 200),
        ("text/html,*/*;q=0.8", "", 200),
        ("application/fhir+xml", "", 406),
        ("application/fhir+xml", "?_format=json", 200),
        ("application/fhir+json", "?_format=application/fhir+json", 200),
        ("application/fhir+json", "?_format=xml", 406),
    ],
)
def test_the_answer_is_json_for_whoever_takes_it(accept: str, query: str, status: int) -> None:
    response = client().post(
        f"/fhir/dtr/2.2/{PACKAGE}{query}",
        json=parameters(questionnaires=[MACRILEN]),
        headers={"Accept": accept},
    )
    assert response.status_code == status
    assert response.content_type == "application/fhir+json"


def test_another_version_is_no_address_here() -> None:
    response = client().post(f"/fhir/dtr/1.0/{PACKAGE}", json=parameters(questionnaires=[MACRILEN]))
    assert refusal(response, 404) == "CDS-1213"


@pytest.mark.requirement("dtr-2.2.0@spec-38")
def test_nine_of_ten_packages_come_in_time(version: str) -> None:
    identity, spent = context(), []
    for _ in range(10):
        started = time.perf_counter()
        package(version, parameters(open_order(), context=identity))
        spent.append(time.perf_counter() - started)
    assert sorted(spent)[8] < 5


@pytest.mark.requirement("dtr-2.2.0@sec-9", "dtr-2.0.1@343")
def test_nothing_of_a_call_is_kept(version: str) -> None:
    identity = context()
    package(version, parameters(context=identity))
    before = settled_rows()
    person = {"resourceType": "Patient", "id": "pat-1", "name": [{"family": "Ungewitter"}]}
    body = parameters(open_order(id="never-kept"), context=identity, referenced=[person])
    package(version, body)
    assert settled_rows() == before


def settled_rows() -> dict[str, int]:
    """How many rows each table has, once the recorder has written what earlier calls left."""
    found = rows()
    for _ in range(40):
        time.sleep(0.35)
        before, found = found, rows()
        if found == before:
            break
    return found


def rows() -> dict[str, int]:
    """How many rows each table has."""
    url = app().extensions["cds_service"].settings.database_url
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        names = [
            each[0] for each in connection.execute("select name from sqlite_master where type = 'table'")
        ]
        return {each: connection.execute(f"select count(*) from {each}").fetchone()[0] for each in names}
    finally:
        connection.close()


def test_a_request_is_not_changed_by_its_answer() -> None:
    body = parameters(open_order(), questionnaires=[MACRILEN])
    before = copy.deepcopy(body)
    package("2.2", body)
    assert body == before
