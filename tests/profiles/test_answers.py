"""What this service sends in CRD 2.0, held against the CRD 2.0.1 and US Core 3.1.1 packages.

Of CRD 2.1 and 2.2 no package is at hand: there `crd/invariants.py` alone says what may be sent.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask

from cds_service.app import create_app
from cds_service.crd.extension import coverage_information
from cds_service.crd.hook_rules import HOOK_RULES
from cds_service.crd.versions import CRD_2_0
from cds_service.hooks.discovery import services
from cds_service.settings import Settings
from tests import profiles
from tests.crd.assertions import DETERMINATIONS, TODAY, assertion, policy_page
from tests.profiles.test_validator import published

Json = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "fhir_examples"
CALLS = {
    str(path.relative_to(FOLDER).with_suffix("")): document
    for path in (*sorted(FOLDER.glob("*.json")), *sorted(FOLDER.glob("hooks/*.json")))
    if "hook" in (document := orjson.loads(path.read_bytes()))
}
# Orders that are wrong on purpose: they show what real clients send.
ILL_FORMED = {"sandbox-shape-no-policy", "sandbox-shape-not-covered-ketalar"}
SERVICES = {each["hook"]: name for name, each in services().items()}
PROFILE = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/profile-"


@pytest.fixture(scope="module")
def crd() -> profiles.Packages:
    return profiles.packages("davinci-crd-2.0.1", "uscore311")


@functools.cache
def app() -> Flask:
    folder = tempfile.mkdtemp(prefix="profiles-")
    return create_app(Settings(database_url=f"sqlite:///{folder}/decisions.sqlite3", log_level="ERROR"))


def answer(call: Json) -> Json:
    """The answer in CRD 2.0."""
    spoken = call | {"extension": call.get("extension", {}) | {"davinci-crd.requestedVersion": "2.0"}}
    response = app().test_client().post(f"/cds-services/{SERVICES[call['hook']]}", json=spoken)
    assert response.status_code == 200
    document: Json = orjson.loads(response.data)
    return document


def sent(document: Json) -> Iterator[Json]:
    """Every resource of an answer: of its system actions, and of the alternates that its cards propose."""
    for action in document.get("systemActions", ()):
        yield action["resource"]
    for card in document["cards"]:
        for suggestion in card.get("suggestions", ()):
            yield from (action["resource"] for action in suggestion["actions"] if "resource" in action)


def faults(resource: Json, crd: profiles.Packages) -> list[profiles.Finding]:
    """What nobody has reviewed, against the CRD profile of the resource's type."""
    return profiles.unreviewed(profiles.errors(resource, crd, PROFILE + resource["resourceType"].lower()))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.requirement("crd-2.2.1@resp-47", "crd-2.2.1@resp-55")
def test_every_resource_of_every_answer_meets_its_profile(name: str, crd: profiles.Packages) -> None:
    allowed = {"base", "cardinality"} if name in ILL_FORMED else set()
    for resource in sent(answer(CALLS[name])):
        found = faults(resource, crd)
        assert {each.rule for each in found} <= allowed, found
        assert not [each for each in found if ".extension" in each.path]


@pytest.mark.parametrize("name", sorted(ILL_FORMED))
def test_of_an_ill_formed_order_only_what_came_is_wrong(name: str, crd: profiles.Packages) -> None:
    (entry,) = CALLS[name]["context"]["draftOrders"]["entry"]
    (resource,) = sent(answer(CALLS[name]))
    assert faults(resource, crd) == faults(entry["resource"], crd) != []


def test_alternates_are_among_what_is_checked() -> None:
    document = answer(CALLS["lower-cost-site-remicade-hospital"])
    assert len(list(sent(document))) > len(document["systemActions"])


@pytest.mark.parametrize("hook", HOOK_RULES)
@pytest.mark.parametrize("outcome", DETERMINATIONS)
def test_coverage_information_of_every_outcome_meets_its_profile(
    outcome: str, hook: str, crd: profiles.Packages
) -> None:
    decided = assertion(DETERMINATIONS[outcome])._replace(rules=HOOK_RULES[hook])
    extension = coverage_information(decided, CRD_2_0, TODAY, policy_page)
    order = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "code": {"text": "Infusion"},
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2024-09-01",
        "requester": {"reference": "Practitioner/1"},
        "extension": [extension],
    }
    assert faults(order, crd) == []


def test_every_review_is_still_needed(crd: profiles.Packages) -> None:
    found = [
        each
        for call in CALLS.values()
        for resource in sent(answer(call))
        for each in profiles.errors(resource, crd, PROFILE + resource["resourceType"].lower())
    ]
    of_crd = [each for each in profiles.reviewed() if each.profile.startswith("profile-")]
    assert [each for each in of_crd if not any(each.covers(finding) for finding in found)] == []


PUBLISHED = {
    "CommunicationRequest": "CommunicationRequest-example",
    "DeviceRequest": "DeviceRequest-example",
    "MedicationRequest": "MedicationRequest-example",
    "NutritionOrder": "NutritionOrder-example",
    "ServiceRequest": "ServiceRequest-example",
    "VisionPrescription": "VisionPrescription-visionprescription-example",
}


def about(resource: Json, hook: str, element: str) -> Json:
    """A call about a published resource, for the member of the example about a device."""
    call = CALLS["non-drug-order"]
    patient = call["context"]["patientId"]
    text = orjson.dumps(resource).decode()
    for own, other in (
        ("Patient/example", f"Patient/{patient}"),
        ("Coverage/example", "Coverage/coverage-1"),
    ):
        text = text.replace(own, other)
    bundle = {"resourceType": "Bundle", "entry": [{"resource": orjson.loads(text)}]}
    people = {"userId": call["context"]["userId"], "patientId": patient}
    context: Json = people | {element: bundle}
    return {**call, "hook": hook, "context": context}


@pytest.mark.parametrize("kind", PUBLISHED)
@pytest.mark.requirement(
    "crd-2.2.1@resp-47",
    "crd-2.0.1@273",
    "crd-2.0.1@274",
    "crd-2.0.1@275",
    "crd-2.0.1@276",
    "crd-2.0.1@277",
)
def test_published_orders_of_every_type_go_back_within_their_profile(
    kind: str, crd: profiles.Packages
) -> None:
    order = published(PUBLISHED[kind])
    call = about(order, "order-sign", "draftOrders")
    (resource,) = sent(answer(call))
    assert len(resource["extension"]) == len(order.get("extension", ())) + 1
    assert faults(resource, crd) == []


@pytest.mark.requirement("crd-2.0.1@272")
def test_a_published_appointment_goes_back_within_its_profile(crd: profiles.Packages) -> None:
    call = about(published("Appointment-example"), "appointment-book", "appointments")
    (resource,) = sent(answer(call))
    assert resource["resourceType"] == "Appointment"
    assert faults(resource, crd) == []
