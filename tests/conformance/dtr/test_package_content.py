"""What is in a package: each form with its libraries, value sets and draft, held to the profiles."""

from __future__ import annotations

import base64
import functools
import json
from datetime import UTC, date, datetime

import pytest

from tests import profiles
from tests.conformance.dtr.service import (
    BASE,
    DTR,
    SDC,
    VERSIONS,
    Resource,
    app,
    bundles,
    draft,
    extensions,
    items,
    of_kind,
    order,
    package,
    parameters,
    questionnaire,
)

CQF_LIBRARY = "http://hl7.org/fhir/StructureDefinition/cqf-library"
ALTERNATIVE = {
    "2.0.1": "http://hl7.org/fhir/us/ecr/StructureDefinition/us-ph-alternative-expression-extension",
    "2.2": f"{DTR}/alternativeExpression",
}


@functools.cache
def of_form(version: str, canonical: str) -> Resource:
    """The package of one form, asked for by its canonical with an order."""
    (bundle,) = bundles(package(version, parameters(order(), questionnaires=[canonical])), version)[:1]
    return bundle


def packages(version: str) -> list[Resource]:
    """The package of every form on file."""
    found = []
    forms = sorted({each.canonical for each in app().extensions["cds_service"].forms})
    for canonical in forms:
        answer = package(version, parameters(order("another", reasonCode=[]), questionnaires=[canonical]))
        found += [
            each
            for each in bundles(answer, version)
            if questionnaire(each)["url"] == canonical.partition("|")[0]
        ]
    assert len(found) == len(forms) > 10
    return found


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def every_package(version: str) -> list[Resource]:
    return packages(version)


@pytest.mark.requirement(
    "dtr-2.0.1@294", "dtr-2.0.1@352", "dtr-2.0.1@364", "dtr-2.0.1@365", "dtr-2.2.0@conf-13"
)
def test_every_package_meets_the_profiles_of_2_0_1() -> None:
    published = profiles.packages("davinci_dtr_2.0.1", "uscore311", "davinci-crd-2.0.1")
    for bundle in packages("2.0.1"):
        for resource in (questionnaire(bundle), draft(bundle)):
            found = profiles.errors(resource, published)
            assert profiles.unreviewed(found) == [], questionnaire(bundle)["id"]
        frame = bundle | {"entry": [bundle["entry"][0], bundle["entry"][-1]]}
        found = profiles.errors(frame, published, f"{DTR}/DTR-QPackageBundle")
        assert [each for each in found if ".resource" not in each.path] == []


@pytest.mark.requirement(
    "dtr-2.2.0@oper-12", "dtr-2.2.0@spec-87", "dtr-2.0.1@83", "dtr-2.0.1@84", "dtr-2.0.1@308",
    "dtr-2.0.1@309", "dtr-2.0.1@310", "dtr-2.0.1@317",
)  # fmt: skip
def test_the_questionnaire_comes_first_and_every_library_that_is_needed_is_there_once(
    version: str, every_package: list[Resource]
) -> None:
    for bundle in every_package:
        assert bundle["type"] == "collection"
        assert bundle["entry"][0]["resource"]["resourceType"] == "Questionnaire"
        form, libraries = questionnaire(bundle), of_kind(bundle, "Library")
        urls = [each["url"] for each in libraries]
        assert len(urls) == len(set(urls))
        named = {each["valueCanonical"].partition("|")[0] for each in extensions(form, CQF_LIBRARY)}
        assert named
        wanted = set(named)
        for _ in libraries:
            wanted |= {
                related["resource"].partition("|")[0]
                for each in libraries
                if each["url"] in wanted
                for related in each.get("relatedArtifact", ())
                if related["type"] == "depends-on"
            }
        assert wanted == set(urls)


@pytest.mark.requirement(
    "dtr-2.2.0@oper-13", "dtr-2.2.0@spec-93", "dtr-2.2.0@spec-95", "dtr-2.2.0@spec-99", "dtr-2.0.1@93",
    "dtr-2.0.1@95", "dtr-2.0.1@96", "dtr-2.0.1@101", "dtr-2.0.1@102",
)  # fmt: skip
def test_every_library_holds_its_cql_and_the_elm_of_it(every_package: list[Resource]) -> None:
    seen = set()
    for bundle in every_package:
        for library in of_kind(bundle, "Library"):
            if library["name"] in seen:
                continue
            seen.add(library["name"])
            contents = {each["contentType"]: each for each in library["content"]}
            assert len(contents) == len(library["content"]) == 2
            assert all(set(each) == {"contentType", "data"} for each in contents.values())
            cql = base64.b64decode(contents["text/cql"]["data"]).decode()
            elm = json.loads(base64.b64decode(contents["application/elm+json"]["data"]))["library"]
            assert elm["identifier"] == {"id": library["name"], "version": library["version"]}
            assert f"library {library['name']} version '{library['version']}'" in cql
            defined = elm.get("statements", {}).get("def", ())
            contexts = {each["context"] for each in defined if each.get("type") != "FunctionDef"}
            assert contexts <= {"Patient"}
    assert len(seen) > 5


@pytest.mark.requirement("dtr-2.2.0@spec-98", "dtr-2.0.1@99")
def test_names_of_libraries_are_unique(every_package: list[Resource]) -> None:
    for bundle in every_package:
        names = [each["name"] for each in of_kind(bundle, "Library")]
        assert len(names) == len(set(names))


@pytest.mark.requirement(
    "dtr-2.2.0@spec-96", "dtr-2.2.0@spec-97", "dtr-2.2.0@spec-86", "dtr-2.2.0@spec-54", "dtr-2.2.0@spec-85",
    "dtr-2.0.1@57", "dtr-2.0.1@62", "dtr-2.0.1@97", "dtr-2.0.1@98",
)  # fmt: skip
def test_an_expression_that_fills_a_question_names_a_definition_that_is_there(
    version: str, every_package: list[Resource]
) -> None:
    filled = 0
    for bundle in every_package:
        form = questionnaire(bundle)
        definitions = {
            (library["name"], each["name"])
            for library in of_kind(bundle, "Library")
            for each in json.loads(
                base64.b64decode(
                    next(
                        content["data"]
                        for content in library["content"]
                        if content["contentType"] == "application/elm+json"
                    )
                )
            )["library"].get("statements", {"def": ()})["def"]
        }
        named = len(extensions(form, CQF_LIBRARY))
        for item in items(form):
            for found in extensions(item, f"{SDC}/sdc-questionnaire-initialExpression"):
                filled += 1
                expression = found["valueExpression"]
                (alternative,) = extensions(expression, ALTERNATIVE[version])
                assert alternative["valueExpression"]["language"] == "application/elm+json"
                elm = json.loads(alternative["valueExpression"]["expression"])
                assert (elm["libraryName"], elm["name"]) in definitions
                qualified = f'"{elm["libraryName"]}"."{elm["name"]}"'
                if version == "2.0.1" or named > 1:
                    assert (expression["language"], expression["expression"]) == ("text/cql", qualified)
                else:
                    assert expression["language"] == "text/cql-identifier"
                    assert expression["expression"] == elm["name"]
    assert filled > 30


@pytest.mark.requirement(
    "dtr-2.2.0@oper-14", "dtr-2.2.0@oper-15", "dtr-2.2.0@spec-164", "dtr-2.0.1@311", "dtr-2.0.1@312",
    "dtr-2.0.1@320",
)  # fmt: skip
def test_every_value_set_that_is_needed_is_there_once_and_small_ones_are_expanded(
    version: str, every_package: list[Resource]
) -> None:
    today = datetime.now(UTC).date()
    unexpanded = 0
    for bundle in every_package:
        sets = of_kind(bundle, "ValueSet")
        urls = [each["url"] for each in sets]
        assert len(urls) == len(set(urls))
        needed = {
            declared["id"].partition("|")[0]
            for library in of_kind(bundle, "Library")
            for declared in json.loads(base64.b64decode(library["content"][1]["data"]))["library"]
            .get("valueSets", {})
            .get("def", ())
        }
        needed |= {
            each["answerValueSet"].partition("|")[0]
            for each in items(questionnaire(bundle))
            if "answerValueSet" in each
        }
        assert needed <= set(urls)
        for each in sets:
            expansion = each.get("expansion")
            if expansion is None:
                unexpanded += 1
                continue
            assert date.fromisoformat(expansion["timestamp"][:10]) in (
                today,
                today.fromordinal(today.toordinal() - 1),
            )
            assert expansion["total"] == len(expansion.get("contains", ()))
            if version == "2.2":
                assert expansion["total"] < 40
    if version == "2.0.1":
        assert unexpanded == 0


@pytest.mark.requirement("dtr-2.2.0@oper-16")
def test_references_inside_a_package_name_the_version_in_2_2() -> None:
    for bundle in packages("2.2"):
        form = questionnaire(bundle)
        known = {
            f"{each['resource']['url']}|{each['resource']['version']}"
            for each in bundle["entry"]
            if "url" in each["resource"]
        }
        named = [each["valueCanonical"] for each in extensions(form, CQF_LIBRARY)]
        for library in of_kind(bundle, "Library"):
            named += [each["resource"] for each in library.get("relatedArtifact", ())]
            named += [
                only["valueSet"]
                for need in library.get("dataRequirement", ())
                for only in need.get("codeFilter", ())
                if "valueSet" in only
            ]
        named.append(draft(bundle)["questionnaire"])
        assert set(named) <= known


@pytest.mark.requirement(
    "dtr-2.2.0@oper-18", "dtr-2.2.0@spec-122", "dtr-2.2.0@spec-139", "dtr-2.2.0@spec-140",
    "dtr-2.2.0@spec-141", "dtr-2.0.1@321", "dtr-2.0.1@322", "dtr-2.0.1@323",
)  # fmt: skip
def test_the_draft_names_questionnaire_subject_coverage_and_order_as_the_client_does(
    version: str, every_package: list[Resource]
) -> None:
    for bundle in every_package:
        response, form = draft(bundle), questionnaire(bundle)
        assert response["questionnaire"] == f"{form['url']}|{form['version']}"
        assert response["status"] == "in-progress"
        assert response["subject"] == {"reference": "Patient/pat-1"}
        contexts = [each["valueReference"]["reference"] for each in extensions(response, f"{DTR}/qr-context")]
        coverages = [
            each["valueReference"]["reference"] for each in extensions(response, f"{DTR}/qr-coverage")
        ]
        if version == "2.0.1":
            assert contexts == ["Coverage/cov-1", "MedicationRequest/another"]
            assert coverages == []
        else:
            assert (coverages, contexts) == (["Coverage/cov-1"], ["MedicationRequest/another"])
        assert extensions(response, f"{DTR}/intendedUse")
        assert "contained" not in response
        references = [value["reference"] for value in nodes(response) if "reference" in value]
        assert references
        assert not any(each.startswith(("http", "#")) for each in references)


@pytest.mark.requirement("dtr-2.2.0@oper-10", "dtr-2.2.0@oper-18", "dtr-2.2.0@conf-13")
def test_a_package_of_2_2_keeps_to_its_profiles() -> None:
    """The published package of 2.2 is not at hand: its constraints that matter here, by hand."""
    intended = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/coverage-information-codes"
    algorithm = "http://hl7.org/fhir/StructureDefinition/artifact-versionAlgorithm"
    for bundle in packages("2.2"):
        kinds = [each["resource"]["resourceType"] for each in bundle["entry"]]
        assert (kinds[0], kinds.count("Questionnaire"), kinds.count("QuestionnaireResponse")) == (
            "Questionnaire",
            1,
            1,
        )
        assert set(kinds) <= {"Questionnaire", "QuestionnaireResponse", "Library", "ValueSet"}
        assert all(each["fullUrl"] for each in bundle["entry"])
        form, response = questionnaire(bundle), draft(bundle)
        assert (form["subjectType"], form["status"]) == (["Patient"], "active")
        for each in (form, *of_kind(bundle, "Library")):
            assert [found["valueCoding"]["code"] for found in extensions(each, algorithm)] == ["semver"]
        audience = [each["valueCode"] for each in extensions(form, f"{DTR}/questionnaireAudience")]
        assert "clinical" in audience
        (effort,) = extensions(form, f"{DTR}/estimated-completion-time")
        assert {each["url"] for each in effort["extension"]} == {"clinicalTime", "totalTime"}
        assert len(extensions(response, f"{DTR}/qr-coverage")) == 1
        (use,) = extensions(response, f"{DTR}/intendedUse")
        coding = use["valueCodeableConcept"]["coding"][0]
        assert (coding["system"], coding["code"]) == (intended, "withpa")
        assert response["authored"]
        assert not {"basedOn", "partOf"} & set(response)
        for item in items(response):
            for answer in item.get("answer", ()):
                (origin,) = extensions(answer, f"{DTR}/information-origin")
                assert origin["extension"] == [{"url": "source", "valueCode": "auto-server"}]


def nodes(value: object) -> list[Resource]:
    """Every object below a value."""
    if isinstance(value, list):
        return [found for each in value for found in nodes(each)]
    if isinstance(value, dict):
        return [value, *(found for each in value.values() for found in nodes(each))]
    return []


@pytest.mark.requirement("dtr-2.2.0@sec-3", "dtr-2.0.1@337")
def test_data_is_asked_for_only_where_a_question_of_the_form_is_filled_by_it(
    every_package: list[Resource],
) -> None:
    for bundle in every_package:
        form = questionnaire(bundle)
        filled = [
            each for each in items(form) if extensions(each, f"{SDC}/sdc-questionnaire-initialExpression")
        ]
        needs = [
            need["type"]
            for library in of_kind(bundle, "Library")
            for need in library.get("dataRequirement", ())
        ]
        assert bool(needs) <= bool(filled), form["id"]
        assert set(needs) <= {
            *("Patient", "Condition", "Observation", "MedicationRequest", "MedicationStatement"),
            *("Procedure", "AllergyIntolerance", "Encounter", "Coverage", "Location", "ServiceRequest"),
            *("MedicationAdministration", "Medication", "Organization"),
        }


@pytest.mark.requirement("dtr-2.2.0@sec-4", "dtr-2.0.1@338", "dtr-2.2.0@spec-21", "dtr-2.0.1@69")
def test_no_question_is_hidden_or_read_only_and_nothing_hangs_on_optional_elements(
    version: str, every_package: list[Resource]
) -> None:
    relied_on = {
        *(f"{SDC}/sdc-questionnaire-{each}" for each in ("initialExpression", "enableWhenExpression")),
        "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption",
        "http://hl7.org/fhir/StructureDefinition/mimeType",
        "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl",
        "http://hl7.org/fhir/StructureDefinition/questionnaire-supportLink",
        "http://hl7.org/fhir/StructureDefinition/questionnaire-supportHyperlink",
    }
    only_a_hint = {"http://hl7.org/fhir/StructureDefinition/maxSize"}
    for bundle in every_package:
        for item in items(questionnaire(bundle)):
            assert not item.get("readOnly")
            assert item["text"]
            used = {each["url"] for each in item.get("extension", ())}
            assert used <= relied_on | only_a_hint


@pytest.mark.requirement("dtr-2.2.0@spec-17", "dtr-2.2.0@spec-50")
def test_later_questions_are_asked_only_where_they_still_matter(every_package: list[Resource]) -> None:
    conditional = 0
    for bundle in every_package:
        asked = [each for each in items(questionnaire(bundle)) if each["type"] not in ("display",)]
        questions = [each for each in asked if each["type"] != "group"]
        links = {each["linkId"] for each in asked}
        if len(questions) > 1:
            enabling = [each for each in asked if each.get("enableWhen") or each.get("extension")]
            conditional += bool(enabling)
        for each in asked:
            assert {test["question"] for test in each.get("enableWhen", ())} <= links
    assert conditional > 5


@pytest.mark.requirement("dtr-2.2.0@spec-18", "dtr-2.0.1@64")
def test_expressions_are_in_cql(version: str, every_package: list[Resource]) -> None:
    languages = {
        found["valueExpression"]["language"]
        for bundle in every_package
        for found in nodes(questionnaire(bundle))
        if "valueExpression" in found and found["valueExpression"]["language"] != "application/elm+json"
    }
    named_fhirpath = {"text/fhirpath"} if version == "2.2" else set()  # spec-61: FHIRPath is named so
    assert languages <= {"text/cql", "text/cql-identifier", *named_fhirpath}


@pytest.mark.requirement("dtr-2.2.0@spec-53")
def test_a_form_is_valid_for_as_long_as_its_policy(every_package: list[Resource]) -> None:
    periods = {
        questionnaire(each)["id"]: questionnaire(each).get("effectivePeriod") for each in every_package
    }
    assert periods["cigna-1701-macrilen-2024.7.1"] == {"start": "2024-07-01", "end": "2025-05-31"}
    assert sum(each is not None for each in periods.values()) > 5


def test_the_address_of_every_resource_in_a_package_can_be_read(version: str) -> None:
    from tests.conformance.dtr.service import client

    bundle = of_form(version, f"{BASE}/Questionnaire/cigna-1701-macrilen|2024.7.1")
    for entry in bundle["entry"][:-1]:
        path = entry["fullUrl"].removeprefix("http://127.0.0.1:8000")
        response = client().get(path)
        assert response.status_code == 200, path
        assert response.get_json()["url"] == entry["resource"]["url"]
