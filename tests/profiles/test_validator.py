"""The validator itself: published examples pass, and each kind of fault in them is found."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests import profiles
from tests.profiles.package import directory

Json = dict[str, Any]
CRD = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/"
PACKAGES = ("davinci-crd-2.0.1", "uscore311")
KINDS = (
    "Appointment", "CommunicationRequest", "Coverage", "Device", "DeviceRequest", "Encounter", "Location",
    "MedicationRequest", "NutritionOrder", "Organization", "Patient", "Practitioner", "ServiceRequest",
)  # fmt: skip


@pytest.fixture(scope="module")
def crd() -> profiles.Packages:
    return profiles.packages(*PACKAGES)


def published(name: str, package: str = PACKAGES[0]) -> Json:
    """An example that a package ships."""
    with tarfile.open(directory() / f"{package}.tgz") as archive:
        file = archive.extractfile(f"package/example/{name}.json")
        assert file is not None
        example: Json = orjson.loads(file.read())
    return example


def profile_of(kind: str) -> str:
    return f"{CRD}profile-{kind.lower()}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_examples_pass(crd: profiles.Packages, kind: str) -> None:
    assert profiles.errors(published(f"{kind}-example"), crd, profile_of(kind)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_mandatory_element_is_missed(crd: profiles.Packages, kind: str) -> None:
    example = published(f"{kind}-example")
    tree = crd.profile(profile_of(kind))
    assert tree is not None
    mandatory = [name for name, each in tree.children.items() if each.definition["min"] > 0]
    for name in mandatory:
        stem = name.removesuffix("[x]")
        cut = {key: value for key, value in example.items() if not key.startswith(stem)}
        found = profiles.errors(cut, crd, profile_of(kind))
        assert ("cardinality", f"{kind}.{name}") in {(each.rule, each.path) for each in found}


def parts(order: Json) -> list[Json]:
    """The parts of the coverage information of the published annotated order."""
    extensions: list[Json] = order["extension"][0]["extension"]
    return extensions


def part(order: Json, url: str) -> Json:
    return next(each for each in parts(order) if each["url"] == url)


def without(url: str) -> Callable[[Json], None]:
    return lambda order: parts(order).remove(part(order, url))


def replaced(url: str, **value: Any) -> Callable[[Json], None]:
    def change(order: Json) -> None:
        changed = part(order, url)
        changed.clear()
        changed.update({"url": url} | value)

    return change


def added(url: str, **value: Any) -> Callable[[Json], None]:
    return lambda order: parts(order).append({"url": url} | value)


def element(name: str, value: Any) -> Callable[[Json], None]:
    return lambda order: order.update({name: value})


FAULTS: dict[str, tuple[Callable[[Json], None], str]] = {
    "a part of coverage information is missing": (without("coverage"), "cardinality"),
    "a part stands twice": (added("covered", valueCode="covered"), "cardinality"),
    "a code is not in the value set": (replaced("covered", valueCode="maybe"), "binding"),
    "a part has another type": (replaced("date", valueDateTime="2019-02-15"), "type"),
    "a part has value and extensions": (
        replaced("date", valueDate="2019-02-15", extension=[{"url": "x", "valueCode": "y"}]),
        "ext-1",
    ),
    "a part refers to the wrong type": (
        replaced("coverage", valueReference={"reference": "Patient/1"}),
        "target",
    ),
    "a nested part is missing": (lambda order: part(order, "detail")["extension"].pop(0), "cardinality"),
    "the extension has a value of its own": (
        lambda order: order["extension"][0].update(valueString="x"),
        "cardinality",
    ),
    "a questionnaire where no documents are needed": (
        replaced("doc-needed", valueCode="no-doc"),
        "crd-ci-q1",
    ),
    "covered without a word on authorization": (without("pa-needed"), "crd-ci-q2"),
    "information needed and nothing conditional": (replaced("covered", valueCode="covered"), "crd-ci-q3"),
    "documents for an authorization that is given": (replaced("doc-purpose", valueCode="PA"), "crd-ci-q4"),
    "an authorization that is given has no number": (without("satisfied-pa-id"), "crd-ci-q5"),
    "a fixed value is another": (element("status", "active"), "fixed"),
    "a code is none of FHIR's": (element("intent", "wish"), "binding"),
    "an element is unknown": (element("colour", "red"), "base"),
    "an element is empty": (element("note", []), "ele-1"),
    "a date is none": (element("authoredOn", "15.2.2019"), "base"),
    "a reference leads to the wrong type": (element("requester", {"reference": "Coverage/1"}), "target"),
    "two drugs": (element("medicationReference", {"reference": "Medication/1"}), "base"),
    "a contained resource that nothing uses": (without("response"), "dom-3"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_an_annotated_order_are_found(crd: profiles.Packages, name: str) -> None:
    order = published("MedicationRequest-annotated-example")
    profile = profile_of("MedicationRequest")
    assert profiles.errors(order, crd, profile) == []
    change, rule = FAULTS[name]
    change(order)
    assert rule in {each.rule for each in profiles.errors(order, crd, profile)}


def test_an_extension_is_no_news_where_it_is_not_defined(crd: profiles.Packages) -> None:
    appointment = published("Appointment-example")
    appointment["extension"] = published("MedicationRequest-annotated-example")["extension"]
    assert "context" in {each.rule for each in profiles.errors(appointment, crd)}


def test_what_stands_inside_is_checked_too(crd: profiles.Packages) -> None:
    order = published("MedicationRequest-annotated-example")
    without("date")(order)
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}
    inside = [{"name": "a", "resource": bundle}]
    parameters = {"resourceType": "Parameters", "parameter": inside}
    for outer in (bundle, parameters):
        assert [each.rule for each in profiles.errors(outer, crd)] == ["cardinality"]


def test_a_claimed_profile_is_held_against_the_resource(crd: profiles.Packages) -> None:
    patient = published("Patient-example")
    assert profiles.errors(patient, crd) == []
    patient["meta"] = {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|3.1.1"]}
    patient.pop("identifier")
    assert {each.path for each in profiles.errors(patient, crd)} == {"Patient.identifier"}


def test_slices_are_told_by_their_discriminators(crd: profiles.Packages) -> None:
    observation = published("Observation-pediatric-bmi-example", "uscore311")
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/pediatric-bmi-for-age"
    assert profiles.errors(observation, crd, profile) == []
    observation["category"][0]["coding"][0]["code"] = "laboratory"
    found = [(each.path, each.rule) for each in profiles.errors(observation, crd, profile)]
    assert found == [("Observation.category:VSCat", "cardinality")]


def test_an_extension_that_may_stand_once_is_counted(crd: profiles.Packages) -> None:
    patient = published("Patient-example", "uscore311")
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"
    assert profiles.errors(patient, crd, profile) == []
    patient["extension"] *= 2
    found = {(each.path, each.rule) for each in profiles.errors(patient, crd, profile)}
    assert ("Patient.extension:race", "cardinality") in found


def test_an_unknown_profile_is_no_pass(crd: profiles.Packages) -> None:
    with pytest.raises(LookupError):
        profiles.errors(published("Patient-example"), crd, f"{CRD}profile-nothing")


def test_reviews_leave_out_what_they_name_and_nothing_else() -> None:
    review = profiles.Review("profile-x", r"A\.b(\.c)?", "fixed", "because")
    finding = profiles.Finding("A.b[3].c", "fixed", "must be 1", f"{CRD}profile-x")
    assert review.covers(finding)
    assert not review.covers(finding._replace(rule="pattern"))
    assert not review.covers(finding._replace(path="A.b[3].c.d"))
    assert not review.covers(finding._replace(profile=f"{CRD}profile-y"))
