"""What a call lacks is read from its FHIR server: the same decision, or the right answer to trouble."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import VERSIONS
from cds_service.fhir.ehr import AllowedServers, EhrClient, EhrLimits
from cds_service.hooks.errors import ErrorKind, RequestError
from tests.coverage_check.calls import (
    HCPCS,
    answered,
    call,
    chart,
    coverage,
    found,
    macrilen,
    observation,
    said,
    standing,
)
from tests.fhir.ehr import server as faults
from tests.fhir.ehr.server import FhirServer, serving
from tests.fhir.ehr.test_client import FAULTS, TOKEN

DEADLINE = 0.6
PATIENT = {"resourceType": "Patient", "id": "pat-1", "birthDate": "1980-05-17"}
KEYS = tuple(chart())


@pytest.fixture
def ehr() -> Iterator[FhirServer]:
    with serving(PATIENT, coverage(), observation(24)) as server:
        yield server


def client(ehr: FhirServer, deadline: float = 3.0) -> EhrClient:
    return EhrClient(AllowedServers([ehr.base]), EhrLimits(deadline=deadline))


def connected(
    ehr: FhirServer,
    *orders: dict[str, Any],
    prefetch: dict[str, Any] | None = None,
    deadline: float = 3.0,
    server: str | None = None,
    **elements: Any,
) -> dict[str, Any]:
    """The answer to a call that names the EHR; without `prefetch` nothing is delivered."""
    authorization = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 30,
        "scope": "x",
        "subject": "y",
    }
    request = call(
        *orders,
        prefetch=prefetch or {},
        fhirServer=server or ehr.base,
        fhirAuthorization=authorization,
        **elements,
    )
    reader = client(ehr, deadline)
    started = monotonic()
    try:
        return answered(request, ehr=reader)
    finally:
        assert monotonic() - started < deadline + 0.5
        reader.close()


def without(*keys: str, **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in chart(**changes).items() if key not in keys}


def decision(answer: dict[str, Any], position: int = 0) -> dict[str, Any]:
    """What an answer says, but for the name of the assertion, which tells the client's servers apart."""
    values = said(answer, position)
    return {url: each for url, each in values.items() if not url.endswith("-id")}


@pytest.mark.parametrize("missing", [KEYS, *((key,) for key in KEYS)], ids=lambda keys: "+".join(keys))
@pytest.mark.requirement("crd-2.2.1@found-5", "crd-2.0.1@56")
def test_the_decision_is_the_same_whether_given_or_fetched(ehr: FhirServer, missing: tuple[str, ...]) -> None:
    assert decision(connected(ehr, prefetch=without(*missing))) == decision(answered())


@pytest.mark.requirement("crd-2.2.1@found-5")
@pytest.mark.parametrize(
    ("value", "expected"), [(24, ("covered", "satisfied")), (40.1, ("not-covered", None))]
)
def test_what_was_fetched_decides(ehr: FhirServer, value: float, expected: tuple[str, str | None]) -> None:
    ehr.resources[2] = observation(value)
    assert standing(connected(ehr)) == expected


def test_what_was_looked_for_and_is_not_there_is_asked_for(ehr: FhirServer) -> None:
    del ehr.resources[2]
    answer = connected(ehr)
    assert standing(answer) == ("covered", "auth-needed")
    assert "data unavailable" not in str(answer)


def test_what_was_given_is_not_fetched(ehr: FhirServer) -> None:
    connected(ehr, prefetch=chart())
    assert ehr.asked == []


@pytest.mark.parametrize("nothing", [None, found()])
def test_what_the_client_looked_for_in_vain_is_not_fetched(ehr: FhirServer, nothing: Any) -> None:
    answer = connected(ehr, prefetch=chart(observations=nothing))
    assert ehr.asked == []
    assert standing(answer) == ("covered", "auth-needed")


@pytest.mark.parametrize(
    "value",
    [
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]},
        found() | {"total": 3},
        found() | {"link": [{"relation": "next", "url": "https://elsewhere.example/fhir?page=2"}]},
        "nonsense",
    ],
)
def test_what_the_client_could_not_deliver_in_full_is_tried_once(ehr: FhirServer, value: Any) -> None:
    prefetch = chart(observations=value if isinstance(value, dict) else {"nonsense": True})
    assert standing(connected(ehr, prefetch=prefetch)) == ("covered", "satisfied")
    assert [path.partition("?")[0] for path in ehr.paths] == ["Observation"]


def test_only_what_the_policy_reads_is_fetched(ehr: FhirServer) -> None:
    connected(ehr, prefetch=without(*KEYS, "coverage") | {"coverage": found(coverage())})
    assert sorted(path.partition("?")[0] for path in ehr.paths) == [
        "Condition",
        "Observation",
        "Patient/pat-1",
    ]


def test_nothing_is_fetched_for_an_order_that_no_policy_addresses(ehr: FhirServer) -> None:
    paracetamol = macrilen(medicationCodeableConcept={"text": "paracetamol 500 mg"})
    answer = connected(ehr, paracetamol, prefetch={"coverage": found(coverage())})
    assert standing(answer) == ("conditional", "conditional")
    assert ehr.asked == []


def test_what_fetched_resources_refer_to_is_fetched(ehr: FhirServer) -> None:
    payer = {"resourceType": "Organization", "id": "org-1", "name": "Cigna Healthcare"}
    ehr.resources[1] = coverage(payor=[{"reference": "Organization/org-1"}])
    ehr.resources.append(payer)
    assert standing(connected(ehr)) == ("covered", "satisfied")
    assert "Organization/org-1" in ehr.paths


@pytest.mark.parametrize(
    "form", ["Medication/med-1", "{base}/Medication/med-1", "{base}/Medication/med-1/_history/2"]
)
def test_the_medication_of_an_order_is_fetched(ehr: FhirServer, form: str) -> None:
    ehr.resources.append(
        {
            "resourceType": "Medication",
            "id": "med-1",
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "0169-1401-01"}]},
        }
    )
    order = macrilen(medicationReference={"reference": form.format(base=ehr.base)})
    del order["medicationCodeableConcept"]
    assert standing(connected(ehr, order)) == ("covered", "satisfied")


def test_the_reason_of_an_order_is_fetched(ehr: FhirServer) -> None:
    condition = {
        "resourceType": "Condition",
        "id": "c-1",
        "subject": {"reference": "Patient/pat-1"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E23.0"}]},
    }
    ehr.resources.append(condition)
    order = macrilen(reasonReference=[{"reference": "Condition/c-1"}])
    del order["reasonCode"]
    assert standing(connected(ehr, order)) == ("covered", "satisfied")
    assert standing(connected(ehr, order, prefetch=without("conditions"))) == ("covered", "satisfied")


@pytest.mark.requirement("crd-2.2.1@sec-1")
def test_references_to_other_servers_are_not_followed(ehr: FhirServer) -> None:
    with serving({"resourceType": "Medication", "id": "med-1"}) as other:
        order = macrilen(
            medicationReference={"reference": f"{other.base}/Medication/med-1"},
            reasonReference=[{"reference": f"{other.base}/Condition/c-1"}],
            insurance=[{"reference": f"{other.base}/Coverage/cov-1"}],
        )
        with pytest.raises(RequestError):
            connected(ehr, order)
        del order["insurance"]
        connected(ehr, order)
        assert other.asked == []
        assert not [path for path in ehr.paths if "med-1" in path or "c-1" in path]


@pytest.mark.requirement("crd-2.2.1@sec-1")
def test_a_server_that_is_not_listed_is_not_read(ehr: FhirServer) -> None:
    with serving(PATIENT, coverage(), observation(24)) as other:
        answer = connected(ehr, prefetch=without("observations"), server=other.base)
        assert standing(answer) == standing(answered(call(prefetch=without("observations"))))
        with pytest.raises(RequestError) as raised:
            connected(ehr, server=other.base)
        assert (raised.value.code, raised.value.kind) == ("CDS-1040", ErrorKind.DATA_UNAVAILABLE)
        assert other.asked == ehr.asked == []


def test_without_a_server_nothing_changes(ehr: FhirServer) -> None:
    request = call(prefetch=without("observations"))
    assert answered(request, ehr=client(ehr)) == answered(request)
    assert ehr.asked == []


# -- trouble ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "version"), [*((fault, "2.2") for fault in FAULTS), ("silence", "2.0"), ("error", "2.1")]
)
@pytest.mark.requirement("crd-2.2.1@resp-43", "crd-2.2.1@found-2", "crd-2.2.1@impl-2")
def test_data_that_decide_and_cannot_be_read_are_technical_trouble(
    ehr: FhirServer, fault: str, version: str
) -> None:
    ehr.faults["/"] = FAULTS[fault]
    answer = connected(
        ehr,
        prefetch={"coverage": found(coverage())},
        deadline=DEADLINE,
        extension={"davinci-crd.requestedVersion": version},
    )
    values = said(answer)
    reason = values["reason"][0]
    if version == "2.2":
        assert standing(answer) == ("indeterminate", "indeterminate")
        assert reason["coding"][0]["code"] == "technical"
    else:
        assert standing(answer) == ("conditional", "conditional")
        assert values["info-needed"] == ["OTH"]
    assert "Observation, Patient" in reason["text"]
    assert check_answer(answer, VERSIONS[version]) == []


@pytest.mark.parametrize("fault", ["silence", "unauthorized", "error"])
def test_trouble_that_does_not_touch_the_decision_does_not_matter(ehr: FhirServer, fault: str) -> None:
    ehr.faults["Organization"] = ehr.faults["Encounter"] = FAULTS[fault]
    context = {"encounterId": "enc-1"}
    answer = connected(ehr, prefetch=without("patient"), context=context, deadline=DEADLINE)
    assert "Encounter/enc-1" in ehr.paths
    assert standing(answer) == ("covered", "satisfied")


@pytest.mark.requirement("crd-2.2.1@found-34")
def test_what_is_settled_without_the_missing_data_stands(ehr: FhirServer) -> None:
    ehr.faults["Patient"] = FAULTS["error"]
    prefetch = without("patient", observations=found(observation(40.1)))
    assert standing(connected(ehr, prefetch=prefetch)) == ("not-covered", None)


def test_a_page_that_failed_may_hold_what_counts(ehr: FhirServer) -> None:
    weight = observation(80) | {"code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}}
    ehr.faults["Observation"] = faults.linked("http://elsewhere.example/fhir?page=2", weight)
    assert standing(connected(ehr))[0] == "indeterminate"


def test_a_drug_that_could_not_be_read_is_technical_trouble(ehr: FhirServer) -> None:
    ehr.faults["Medication/"] = FAULTS["error"]
    order = macrilen(medicationReference={"reference": "Medication/med-1"})
    del order["medicationCodeableConcept"]
    answer = connected(ehr, order, prefetch=chart())
    assert standing(answer)[0] == "indeterminate"
    assert "Medication" in said(answer)["reason"][0]["text"]


@pytest.mark.parametrize("fault", ["silence", "dropped", "unauthorized", "error", "page to sign in"])
@pytest.mark.requirement("crd-2.2.1@found-32")
def test_without_any_coverage_there_is_nothing_to_answer_about(ehr: FhirServer, fault: str) -> None:
    ehr.faults["Coverage"] = FAULTS[fault]
    with pytest.raises(RequestError) as raised:
        connected(ehr, deadline=DEADLINE)
    assert (raised.value.code, raised.value.kind) == ("CDS-1040", ErrorKind.DATA_UNAVAILABLE)


@pytest.mark.requirement("crd-2.2.1@hook-13")
def test_a_patient_without_coverage_is_another_thing(ehr: FhirServer) -> None:
    del ehr.resources[1]
    with pytest.raises(RequestError) as raised:
        connected(ehr)
    assert (raised.value.code, raised.value.kind) == ("CDS-1030", ErrorKind.COVERAGE)


def test_a_payer_that_could_not_be_read_is_not_a_wrong_payer(ehr: FhirServer) -> None:
    ehr.resources[1] = coverage(payor=[{"reference": "Organization/org-1"}])
    ehr.faults["Organization"] = FAULTS["error"]
    with pytest.raises(RequestError) as raised:
        connected(ehr)
    assert raised.value.kind is ErrorKind.DATA_UNAVAILABLE


def test_each_order_of_a_call_has_its_own_answer(ehr: FhirServer) -> None:
    ehr.faults["/"] = FAULTS["error"]
    unlisted = macrilen("mr-2", medicationCodeableConcept={"coding": [{"system": HCPCS, "code": "J9999"}]})
    answer = connected(ehr, macrilen(), unlisted, prefetch={"coverage": found(coverage())})
    assert [standing(answer, position)[0] for position in (0, 1)] == ["indeterminate", "conditional"]


def test_resources_of_another_patient_do_not_count(ehr: FhirServer) -> None:
    stranger = observation(
        45, id="bmi-2", subject={"reference": "Patient/pat-2"}, effectiveDateTime="2024-08-30"
    )
    ehr.resources.append(stranger)
    assert standing(connected(ehr)) == ("covered", "satisfied")
    ehr.resources[0] = PATIENT | {"id": "pat-2", "birthDate": "2020-01-01"}
    assert standing(connected(ehr)) == ("covered", "auth-needed")


def test_the_order_goes_back_as_it_came(ehr: FhirServer) -> None:
    before = copy.deepcopy(macrilen())
    answer = connected(ehr)
    returned = dict(answer["systemActions"][0]["resource"])
    returned.pop("extension")
    assert returned == before


@pytest.mark.parametrize("fault", [None, "error", "silence", "dropped"])
def test_what_is_logged_names_no_patient_and_no_token(
    ehr: FhirServer,
    fault: str | None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("cds_service"), "propagate", True)
    caplog.set_level(logging.DEBUG, logger="cds_service")
    if fault is not None:
        ehr.faults["/"] = FAULTS[fault]
    with caplog.at_level(logging.DEBUG):
        connected(ehr, prefetch={"coverage": found(coverage())}, deadline=DEADLINE)
    shown = caplog.text + repr([vars(each) for each in caplog.records])
    assert "EHR read" in caplog.text
    for private in (TOKEN, "pat-1", "W123", "1980-05-17"):
        assert private not in shown


def test_a_request_does_not_show_its_token() -> None:
    request = call(fhirServer="https://ehr.example.org/fhir", fhirAuthorization={"access_token": TOKEN})
    assert request.access_token == TOKEN
    assert TOKEN not in repr(request)


ODD: dict[str, Any] = {"number": 5, "object": {"a": 1}, "null": None, "line": "a\r\nb", "empty": ""}


@pytest.mark.parametrize("token", ODD)
def test_an_odd_token_is_no_reason_to_fail(ehr: FhirServer, token: str) -> None:
    request = call(fhirServer=ehr.base, fhirAuthorization={"access_token": ODD[token]}, prefetch=chart())
    assert standing(answered(request, ehr=client(ehr)))[0] == "covered"


def test_the_drug_order_of_an_infusion_is_fetched_unless_it_is_a_draft_of_the_call(ehr: FhirServer) -> None:
    drug = macrilen("mr-9", status="active")
    service = {
        "resourceType": "ServiceRequest",
        "id": "sr-1",
        "status": "draft",
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "96365"}]},
        "subject": {"reference": "Patient/pat-1"},
        "authoredOn": "2024-09-01",
        "supportingInfo": [{"reference": "MedicationRequest/mr-9"}],
    }
    ehr.resources.append(drug)
    fetched = connected(ehr, service, prefetch=chart())
    assert ehr.paths == ["MedicationRequest/mr-9"]
    assert said(fetched)["dependency"] == [{"reference": "MedicationRequest/mr-9"}]
    ehr.asked.clear()
    drafted = connected(ehr, service, macrilen("mr-9"), prefetch=chart())
    assert ehr.paths == []
    assert said(drafted)["dependency"] == said(fetched)["dependency"]
    assert said(drafted)["covered"] == said(fetched)["covered"]
