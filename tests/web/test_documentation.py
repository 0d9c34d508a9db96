"""From hook call to hook call over HTTP: packaged, answered, decided, and not asked again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask

from cds_service.app import create_app
from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import VERSIONS as CRD_VERSIONS
from cds_service.decisions.model import Outcome
from cds_service.settings import Settings, SettingsError
from cds_service.store.payload import new_key
from cds_service.web.services import EXTENSION, Services

EXAMPLES = Path(__file__).parents[2] / "fhir_examples"
NEEDING = {
    "documentation-needed-macrilen-no-bmi": (Outcome.COVERED, Outcome.NOT_COVERED),
    "documentation-needed-ketamine-chronic-pain-fep": (Outcome.COVERED, Outcome.NOT_COVERED),
    # Terminal cancer pain, or another use: of neither does the policy speak.
    "documentation-needed-ketamine-use-unknown": (Outcome.NOT_ADDRESSED, Outcome.NOT_ADDRESSED),
    "documentation-needed-unidentified-j3490": (Outcome.COVERED, Outcome.NOT_COVERED),
    "lower-cost-site-remicade-hospital": (Outcome.COVERED, Outcome.LOWER_COST_SITE),
}
"""What comes out when every answer is in favor of coverage, and when none is."""

ORIGIN = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"
BY_HAND = [
    {"url": "source", "valueCode": "manual"},
    {"url": "author", "extension": [{"url": "role", "valueCodeableConcept": {"text": "Prescriber"}}]},
]
PDF = {"contentType": "application/pdf", "data": "JVBERi0xLjc=", "title": "notes.pdf"}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("documentation")
    return create_app(Settings(database_url=f"sqlite:///{folder}/cds.sqlite3", log_level="ERROR"))


def request(name: str, crd: str, order: str) -> Json:
    """An example about an order of this test's own."""
    text = (EXAMPLES / f"{name}.json").read_text()
    document: Json = json.loads(text)
    (entry,) = document["context"]["draftOrders"]["entry"]
    document = json.loads(
        text.replace(f'"{entry["resource"]["id"]}"', f'"{order}"').replace(
            f"MedicationRequest/{entry['resource']['id']}", f"MedicationRequest/{order}"
        )
    )
    document["extension"] = {"davinci-crd.requestedVersion": crd}
    return document


def fire(application: Flask, document: Json) -> Json:
    answer = application.test_client().post("/cds-services/order-sign-crd", json=document)
    assert answer.status_code == 200, answer.data
    said = cast(Json, answer.get_json())
    assert check_answer(said, CRD_VERSIONS[document["extension"]["davinci-crd.requestedVersion"]]) == []
    return said


def information(answer: Json) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for part in answer["systemActions"][0]["resource"]["extension"][-1]["extension"]:
        value = next(value for key, value in part.items() if key != "url")
        found.setdefault(part["url"], []).append(value)
    return found


def packages(application: Flask, dtr: str, assertion_id: str, coverage: Json) -> list[Json]:
    """The package Bundles for an assertion."""
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "coverage", "resource": coverage},
            {"name": "context", "valueString": assertion_id},
        ],
    }
    answer = application.test_client().post(
        f"/fhir/dtr/{dtr}/Questionnaire/$questionnaire-package",
        json=parameters,
        content_type="application/fhir+json",
    )
    assert answer.status_code == 200, answer.data
    found = cast(Json, answer.get_json())["parameter"]
    return [each["resource"] for each in found if each["name"].lower() == "packagebundle"]


def items(holder: Json) -> Iterator[Json]:
    for each in holder.get("item", ()):
        yield each
        yield from items(each)


def filled(bundle: Json, yes: bool) -> Json:
    """A client without any knowledge of this service: it shows what is enabled, and answers what has none.

    Answers are such that they speak for coverage with `yes`, and against it without.
    """
    questionnaire, draft = (
        next(each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind)
        for kind in ("Questionnaire", "QuestionnaireResponse")
    )
    answers: dict[str, list[Json]] = {
        each["linkId"]: each["answer"] for each in items(draft) if "answer" in each
    }
    groups = {each["linkId"]: each for each in items(questionnaire)}
    for _ in groups:
        for item in shown(questionnaire, answers):
            if item["type"] not in ("group", "display") and item["linkId"] not in answers:
                value = answer_to(item, yes)
                answers[item["linkId"]] = [{"extension": [{"url": ORIGIN, "extension": BY_HAND}], **value}]
    flat = [{"linkId": link_id, "text": "x", "answer": given} for link_id, given in answers.items()]
    return {**draft, "status": "completed", "item": flat}


def answer_to(item: Json, yes: bool) -> Json:
    match item["type"]:
        case "boolean":
            return {"valueBoolean": yes}
        case "quantity":
            unit = "kg/m2"
            return {
                "valueQuantity": {
                    "value": 24 if yes else 44,
                    "code": unit,
                    "system": "http://unitsofmeasure.org",
                }
            }
        case "date":
            return {"valueDate": "1980-05-17"}
        case "attachment":
            return {"valueAttachment": PDF}
        case "choice":
            options = [each["valueCoding"] for each in item["answerOption"]]
            return {"valueCoding": options[0] if yes else options[-1]}
    return {"valueString": "see the notes"}


def shown(holder: Json, answers: dict[str, list[Json]]) -> Iterator[Json]:
    """The items that are enabled (FHIR R4, Questionnaire.item.enableWhen)."""
    for item in holder.get("item", ()):
        tests = [holds(each, answers) for each in item.get("enableWhen", ())]
        if not tests or (any(tests) if item.get("enableBehavior") == "any" else all(tests)):
            yield item
            yield from shown(item, answers)


def holds(condition: Json, answers: dict[str, list[Json]]) -> bool:
    given = answers.get(condition["question"], [])
    wanted = next(value for key, value in condition.items() if key.startswith("answer"))
    if condition["operator"] == "exists":
        return bool(given) is wanted
    found = [next(value for key, value in each.items() if key.startswith("value")) for each in given]
    for value in found:
        if isinstance(value, dict) and "value" in value:
            left, right = value["value"], wanted["value"]
        elif isinstance(value, dict):
            left, right = (value["system"], value["code"]), (wanted["system"], wanted["code"])
        else:
            left, right = value, wanted
        compare = {"=": left == right, "!=": left != right}
        ordered = {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
        name = condition["operator"]
        if compare[name] if name in compare else getattr(float(left), ordered[name])(float(right)):
            return True
    return False


@pytest.mark.requirement("crd-2.2.1@found-4")
@pytest.mark.parametrize("dtr", ["2.0.1", "2.2"])
@pytest.mark.parametrize("yes", [True, False], ids=["in-favor", "against"])
@pytest.mark.parametrize("name", NEEDING)
def test_what_a_hook_asks_for_is_packaged_answered_decided_and_not_asked_again(
    application: Flask, name: str, yes: bool, dtr: str
) -> None:
    document = request(name, "2.2", f"order-{dtr.replace('.', '')}-{yes}".lower())
    first = information(fire(application, document))
    assert first["doc-needed"] == ["clinical"]
    coverage = next(
        each["resource"]
        for each in document["prefetch"]["coverage"]["entry"]
        if each["resource"]["resourceType"] == "Coverage"
    )
    identifier = first["coverage-assertion-id"][0]
    bundles = packages(application, dtr, identifier, coverage)
    canonicals = [
        f"{each['url']}|{each['version']}" for bundle in bundles for each in [bundle["entry"][0]["resource"]]
    ]
    assert canonicals == first["questionnaire"]
    here: Services = application.extensions[EXTENSION]
    assert here.documentation is not None
    opened = here.documentation.open(identifier, None)
    decided = here.documentation.submit(opened, [filled(each, yes) for each in bundles], here.now())
    assert not decided.undocumented
    again = information(fire(application, document))
    assert again["coverage-assertion-id"] == [decided.assertion.identifiers.assertion_id]
    assert "questionnaire" not in again or again["questionnaire"] == list(decided.assertion.questionnaires)
    if decided.authorization_number is not None:
        assert again["pa-needed"] == ["satisfied"]
        assert again["satisfied-pa-id"] == [decided.authorization_number]
    assert decided.determination.outcome is NEEDING[name][0 if yes else 1]
    assert not decided.determination.asks


def test_links_are_on_the_cards_of_clients_without_dtr(application: Flask) -> None:
    for version, linked in (("2.0", True), ("2.1", True), ("2.2", False)):
        answer = fire(application, request(next(iter(NEEDING)), version, "order-links"))
        links = [link["label"] for card in answer["cards"] for link in card.get("links", ())]
        assert ("Answer the open questions" in links) is linked
        assert "1980" not in str([link["url"] for card in answer["cards"] for link in card.get("links", ())])


def test_without_keys_of_ones_own_the_start_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path}/cds.sqlite3"
    create_app(Settings(database_url=url))
    assert "CDS_PAYLOAD_KEYS is not set" in capsys.readouterr().err
    create_app(Settings(database_url=url, payload_keys=(new_key(),)))
    assert "CDS_PAYLOAD_KEYS" not in capsys.readouterr().err
    with pytest.raises(SettingsError, match="CDS_PAYLOAD_KEYS"):
        create_app(Settings(database_url=url, payload_keys=("short",)))
