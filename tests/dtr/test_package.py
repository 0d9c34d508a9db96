"""Packages: everything a client needs to fill a form in, and nothing beyond what its questions need."""

from __future__ import annotations

import base64
import importlib
import uuid
from datetime import timedelta
from typing import Any

import orjson
import pytest

from cds_service.dtr.reach import reach
from cds_service.dtr.versions import DTR_2_0, DTR_2_2, DtrVersion
from tests.dtr.shipped import (
    BASE,
    DEFITELIO,
    EVERY_FORM,
    EVERY_VERSION,
    KETAMINE,
    MACRILEN,
    NON_SPECIFIED,
    NOW,
    SITE_OF_CARE,
    Json,
    catalogue,
    draft,
    extensions,
    form,
    package,
    packages,
    resources,
)

ALL = [(named, version) for named in EVERY_FORM for version in EVERY_VERSION]


def content(library: Json, kind: str) -> bytes:
    (found,) = [each for each in library["content"] if each["contentType"] == kind]
    return base64.b64decode(found["data"], validate=True)


# ---------------------------------------------------------------------------------------------- the bundle


@pytest.mark.parametrize(("named", "version"), ALL)
def test_every_resource_is_valid(named: tuple[str, str, str], version: DtrVersion) -> None:
    models = importlib.import_module("fhir.resources.R4B")
    for entry in package(named, version)["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] != "ValueSet" or named == MACRILEN:  # the same ones in every package
            models.get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize(("named", "version"), ALL)
@pytest.mark.requirement("dtr-2.2.0@oper-12", "dtr-2.2.0@oper-18")
def test_the_questionnaire_comes_first_and_one_response_last(
    named: tuple[str, str, str], version: DtrVersion
) -> None:
    found = package(named, version)
    kinds = [each["resource"]["resourceType"] for each in found["entry"]]
    assert found["type"] == "collection"
    assert kinds[0] == "Questionnaire"
    assert kinds[-1] == "QuestionnaireResponse"
    assert set(kinds[1:-1]) == {"Library", "ValueSet"}
    addresses = [each["fullUrl"] for each in found["entry"]]
    assert len(set(addresses)) == len(addresses)


@pytest.mark.requirement("dtr-2.2.0@spec-122")
def test_the_response_is_the_draft_that_was_given() -> None:
    (found,) = resources(package(MACRILEN, DTR_2_2), "QuestionnaireResponse")
    given = draft(form(*MACRILEN))
    assert {key: found[key] for key in given} == given
    assert found["questionnaire"] == form(*MACRILEN).canonical


def test_the_address_of_the_response_is_its_own() -> None:
    """References of the response are the client's: they must not lead below an address of this service."""
    identity = str(uuid.uuid4())
    bundle = packages().bundle(form(*MACRILEN), DTR_2_2, draft(form(*MACRILEN)) | {"id": identity}, NOW)
    assert bundle["entry"][-1]["fullUrl"] == f"urn:uuid:{identity}"


def test_an_adaptive_form_brings_its_own_questionnaire() -> None:
    other = packages().questionnaire(form(*MACRILEN), DTR_2_2) | {"id": "adaptive"}
    bundle = packages().bundle(form(*MACRILEN), DTR_2_2, draft(form(*MACRILEN)), NOW, other)
    assert bundle["entry"][0] == {
        "fullUrl": f"{BASE}/fhir/dtr/2.2/Questionnaire/adaptive",
        "resource": other,
    }


# ----------------------------------------------------------------------------------------------- libraries


@pytest.mark.parametrize(("named", "version"), ALL)
@pytest.mark.requirement("dtr-2.2.0@oper-12")
def test_every_library_that_is_named_is_there_with_what_it_includes(
    named: tuple[str, str, str], version: DtrVersion
) -> None:
    bundle = package(named, version)
    libraries = resources(bundle, "Library")
    there = {
        f"{each['url']}|{each['version']}" if version.versioned_references else each["url"]
        for each in libraries
    }
    asked = [each["valueCanonical"] for each in extensions(bundle["entry"][0]["resource"], "/cqf-library")]
    included = [part["resource"] for each in libraries for part in each.get("relatedArtifact", ())]
    assert asked
    assert set(asked) | set(included) <= there
    for each in libraries:
        elm = orjson.loads(content(each, "application/elm+json"))["library"]
        names = [part["path"] for part in elm.get("includes", {}).get("def", ())]
        listed = [part["resource"] for part in each.get("relatedArtifact", ())]
        assert [part.partition("|")[0].rpartition("/")[2] for part in listed] == names


@pytest.mark.parametrize("version", EVERY_VERSION)
@pytest.mark.requirement("dtr-2.2.0@oper-13", "dtr-2.2.0@spec-95", "dtr-2.2.0@spec-99", "dtr-2.2.0@spec-98")
def test_every_library_carries_the_text_that_decides_and_its_translation(version: DtrVersion) -> None:
    for named in EVERY_FORM:
        libraries = resources(package(named, version), "Library")
        assert len({each["name"] for each in libraries}) == len(libraries)
        for each in libraries:
            source = catalogue().sources[each["name"]]
            elm = orjson.loads(content(each, "application/elm+json"))["library"]
            assert content(each, "text/cql").decode() == source.cql
            assert elm["identifier"] == {"id": each["name"], "version": each["version"]}
            assert bare(elm) == bare(orjson.loads(source.elm)["library"])


def bare(elm: Any) -> Any:
    """ELM without what only people read."""
    if isinstance(elm, list):
        return [bare(each) for each in elm]
    if not isinstance(elm, dict):
        return elm
    ours = ("annotation", "localId", "locator")
    return {key: bare(value) for key, value in elm.items() if key not in ours}


@pytest.mark.requirement("dtr-2.2.0@spec-92", "dtr-2.2.0@spec-93")
def test_the_rules_speak_of_one_patient() -> None:
    for each in resources(package(MACRILEN, DTR_2_2), "Library"):
        text = content(each, "text/cql").decode()
        assert "context Patient" in text or each["name"] in ("OrderFacts", "FHIRHelpers")


# --------------------------------------------------------------------------------------- data requirements


def required(bundle: Json, name: str) -> list[tuple[str, list[str]]]:
    """Type and codes (or value sets) of the data requirements of one library."""
    (found,) = [each for each in resources(bundle, "Library") if each["name"] == name]
    return [
        (
            each["type"],
            [
                filtered.get("valueSet") or code["code"]
                for filtered in each.get("codeFilter", ())
                for code in filtered.get("code", [{}])
            ],
        )
        for each in found.get("dataRequirement", ())
    ]


@pytest.mark.requirement("dtr-2.2.0@sec-3")
def test_a_library_says_what_to_fetch_for_the_questions_of_this_form_and_nothing_else() -> None:
    name = "Cigna1701Version20240701"  # one library for seven forms
    assert required(package(MACRILEN, DTR_2_2), name) == [("Patient", []), ("Observation", ["39156-5"])]
    assert required(package(DEFITELIO, DTR_2_2), name) == [("Condition", [])]
    assert required(package(NON_SPECIFIED, DTR_2_2), name) == []
    assert required(package(SITE_OF_CARE, DTR_2_2), "CignaSiteOfCareUndated") == [("Condition", [])]


def test_an_included_library_names_what_it_reads_itself() -> None:
    found = package(MACRILEN, DTR_2_2)
    assert required(found, "Common") == [("Patient", []), ("Observation", ["39156-5"])]
    assert required(found, "OrderFacts") == required(found, "FHIRHelpers") == []


def test_what_is_reached_is_found_through_functions_and_libraries() -> None:
    version = catalogue().policy_version("cigna-1701", "2024-07-01")
    assert version is not None
    found = reach(version.library, ["Has renal dysfunction"])
    assert [each.type for each in found.retrieves] == ["Condition"]
    assert set(found.parameters) == {"Indication codes", "Service date"}
    assert found.value_sets == ("https://cds-service.example/ValueSet/renal-dysfunction",)


def test_a_library_fetched_alone_names_what_any_of_its_forms_needs() -> None:
    found = packages().library("Cigna1701Version20240701", DTR_2_2)
    assert found is not None
    kinds = [each["type"] for each in found["dataRequirement"]]
    assert sorted(kinds) == ["Condition", "Observation", "Patient"]
    assert packages().library("Nothing", DTR_2_2) is None
    assert set(packages().library_names()) > {"Common", "OrderFacts", "FHIRHelpers"}


# ---------------------------------------------------------------------------------------------- value sets


@pytest.mark.parametrize(("named", "version"), ALL)
@pytest.mark.requirement("dtr-2.2.0@oper-14")
def test_every_value_set_that_a_packaged_library_names_is_there(
    named: tuple[str, str, str], version: DtrVersion
) -> None:
    bundle = package(named, version)
    there = {each["url"] for each in resources(bundle, "ValueSet")}
    declared = {
        each["id"]
        for library in resources(bundle, "Library")
        for each in orjson.loads(content(library, "application/elm+json"))["library"]
        .get("valueSets", {})
        .get("def", ())
    }
    assert declared == there


@pytest.mark.parametrize("named", EVERY_FORM)
@pytest.mark.requirement("dtr-2.2.0@oper-15")
def test_big_value_sets_are_left_to_expand_since_2_2(named: tuple[str, str, str]) -> None:
    old = {each["url"]: each for each in resources(package(named, DTR_2_0), "ValueSet")}
    for each in resources(package(named, DTR_2_2), "ValueSet"):
        complete = old[each["url"]]["expansion"]
        assert complete["total"] == len(complete["contains"])
        if complete["total"] < 40:
            assert each["expansion"]["contains"] == complete["contains"]
        else:
            assert "expansion" not in each
        assert each["compose"]


# ----------------------------------------------------------------------------- version-specific references


@pytest.mark.parametrize("named", EVERY_FORM)
@pytest.mark.requirement("dtr-2.2.0@oper-16")
def test_references_are_version_specific_since_2_2(named: tuple[str, str, str]) -> None:
    bundle = package(named, DTR_2_2)
    named_here = [
        *(each["valueCanonical"] for each in extensions(bundle["entry"][0]["resource"], "/cqf-library")),
        *(
            part["resource"]
            for each in resources(bundle, "Library")
            for part in each.get("relatedArtifact", ())
        ),
        *(each["questionnaire"] for each in resources(bundle, "QuestionnaireResponse")),
        *(
            filtered["valueSet"]
            for each in resources(bundle, "Library")
            for needed in each.get("dataRequirement", ())
            for filtered in needed.get("codeFilter", ())
            if "valueSet" in filtered
        ),
    ]
    there = {
        f"{each['resource']['url']}|{each['resource']['version']}"
        for each in bundle["entry"]
        if "url" in each["resource"]
    }
    assert set(named_here) <= there


# ----------------------------------------------------------------------------------------------- made once


def test_what_does_not_hang_on_the_request_is_made_once_a_day() -> None:
    first = package(KETAMINE, DTR_2_0)
    again = package(KETAMINE, DTR_2_0)
    for one, other in zip(first["entry"][:-1], again["entry"][:-1], strict=True):
        assert one["resource"] is other["resource"]
    tomorrow = packages().bundle(form(*KETAMINE), DTR_2_0, draft(form(*KETAMINE)), NOW + timedelta(days=1))
    stamps = [each["expansion"]["timestamp"] for each in resources(tomorrow, "ValueSet")]
    assert {each[:10] for each in stamps} == {"2026-03-15"}
