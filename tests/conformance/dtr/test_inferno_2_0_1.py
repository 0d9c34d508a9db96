"""What the public suite for payer servers (Inferno DTR test kit, DTR 2.0.1) looks at, as tests of our own.

That suite sends what its user pastes in, and cannot be run here: its validators are servers. Its checks are
done here by other means, one test for each of its tests that looks at an answer of a server.
"""

from __future__ import annotations

import functools

import pytest

from tests import profiles
from tests.conformance.dtr.service import (
    ADAPTIVE,
    DTR,
    MACRILEN,
    SDC,
    Resource,
    adaptive_draft,
    bundles,
    contained,
    extensions,
    items,
    of_kind,
    order,
    package,
    parameters,
    post,
    questionnaire,
    steps,
)

CORE = "http://hl7.org/fhir/StructureDefinition"
PREPARED = (
    f"{SDC}/sdc-questionnaire-launchContext",
    f"{CORE}/variable",
    f"{SDC}/sdc-questionnaire-itemPopulationContext",
)
FILLING = tuple(
    f"{SDC}/sdc-questionnaire-{each}"
    for each in ("initialExpression", "candidateExpression", "contextExpression")
)


@functools.cache
def answer(kind: str) -> Resource:
    """The answer that the group `static` or `adaptive` looks at: one form, with its order."""
    canonical = {"static": MACRILEN, "adaptive": ADAPTIVE}[kind]
    drug = order(medicationCodeableConcept={"text": "a drug without a form"})
    return package("2.0.1", parameters(drug, questionnaires=[canonical]))


@functools.cache
def run() -> tuple[Resource, ...]:
    """Every answer of $next-question in one adaptive form."""
    return tuple(steps("2.0.1", adaptive_draft("2.0.1")))


@pytest.fixture(params=["static", "adaptive"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def published() -> profiles.Packages:
    return profiles.packages("davinci_dtr_2.0.1", "uscore311", "davinci-crd-2.0.1")


def test_the_input_is_valid_for_the_profile_of_the_operation() -> None:
    body = parameters(order(), questionnaires=[MACRILEN])
    assert (
        profiles.unreviewed(profiles.errors(body, published(), f"{DTR}/dtr-qpackage-input-parameters")) == []
    )


@pytest.mark.requirement("dtr-2.0.1@169", "dtr-2.0.1@294")
def test_the_response_is_a_success_of_the_output_profile(kind: str) -> None:
    found = answer(kind)
    assert found["resourceType"] == "Parameters"
    assert [each["name"] for each in found["parameter"] if each["resource"]["resourceType"] == "Bundle"] == [
        "PackageBundle"
    ]
    (bundle,) = bundles(found, "2.0.1")
    frame = bundle | {"entry": [bundle["entry"][0], bundle["entry"][-1]]}
    wrong = profiles.errors(frame, published(), f"{DTR}/DTR-QPackageBundle")
    assert [each for each in wrong if ".resource" not in each.path] == []


@pytest.mark.requirement("dtr-2.0.1@95", "dtr-2.0.1@96", "dtr-2.0.1@99")
def test_there_are_libraries_with_cql_and_elm_of_unique_names(kind: str) -> None:
    libraries = [each for bundle in bundles(answer(kind), "2.0.1") for each in of_kind(bundle, "Library")]
    assert libraries
    assert len({each["name"] for each in libraries}) == len(libraries)
    for each in libraries:
        assert {content["contentType"] for content in each["content"]} == {"text/cql", "application/elm+json"}
        assert all(content["data"] for content in each["content"])


@pytest.mark.requirement("dtr-2.0.1@57", "dtr-2.0.1@62", "dtr-2.0.1@83", "dtr-2.0.1@98")
def test_the_questionnaire_prepares_prepopulation_by_libraries_that_are_there(kind: str) -> None:
    (bundle,) = bundles(answer(kind), "2.0.1")
    check_preparation(questionnaire(bundle), bundle)


def check_preparation(form: Resource, bundle: Resource) -> None:
    named = [each["valueCanonical"] for each in extensions(form, f"{CORE}/cqf-library")]
    prepared = [each for url in PREPARED for each in extensions(form, url)]
    assert named or prepared
    assert set(named) <= {each["url"] for each in of_kind(bundle, "Library")}  # literally, without version
    for each in prepared:
        if "valueExpression" in each:
            assert each["valueExpression"]["language"] == "text/cql"


@pytest.mark.requirement("dtr-2.0.1@64", "dtr-2.0.1@62")
def test_expressions_on_items_are_in_cql_and_begin_with_a_library() -> None:
    (bundle,) = bundles(answer("static"), "2.0.1")
    assert check_expressions([questionnaire(bundle)], bundle) > 0


def check_expressions(forms: list[Resource], bundle: Resource) -> int:
    names = {each["name"] for each in of_kind(bundle, "Library")}
    filled = 0
    for form in forms:
        for item in items(form):
            for each in item.get("extension", ()):
                if "valueExpression" not in each:
                    continue
                assert each["valueExpression"]["language"] == "text/cql"
                assert any(each["valueExpression"]["expression"].startswith(f'"{name}"') for name in names)
                filled += each["url"] in FILLING
    return filled


@pytest.mark.requirement("dtr-2.0.1@37", "dtr-2.0.1@350")
def test_the_adaptive_package_holds_a_questionnaire_of_the_search_profile() -> None:
    (bundle,) = bundles(answer("adaptive"), "2.0.1")
    found = profiles.errors(questionnaire(bundle), published(), f"{DTR}/dtr-questionnaire-adapt-search")
    assert profiles.unreviewed(found) == []


def test_each_next_question_is_answered_with_a_bare_response() -> None:
    begun = adaptive_draft("2.0.1")
    response = post("2.0.1", "Questionnaire/$next-question", begun)
    assert response.status_code == 200
    assert response.get_json()["resourceType"] == "QuestionnaireResponse"
    for each in run():
        found = profiles.errors({key: each[key] for key in each if key != "meta"}, published())
        assert profiles.unreviewed(found) == []


@pytest.mark.requirement("dtr-2.0.1@57", "dtr-2.0.1@62", "dtr-2.0.1@64", "dtr-2.0.1@348")
def test_the_contained_questionnaires_show_prepopulation_in_cql() -> None:
    (bundle,) = bundles(answer("adaptive"), "2.0.1")
    forms = [contained(each) for each in run()]
    for each in forms:
        check_preparation(each, bundle)
    assert check_expressions(forms, bundle) > 0


@pytest.mark.requirement("dtr-2.0.1@219")
def test_one_of_the_responses_is_completed() -> None:
    assert [each["status"] for each in run()][-1] == "completed"
