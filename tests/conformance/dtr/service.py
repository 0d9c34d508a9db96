"""The DTR endpoints as a client meets them: the real application over HTTP, after calls of its hooks."""

from __future__ import annotations

import copy
import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.conformance.crd import service as crd

Resource = dict[str, Any]

BASE: Final = "http://127.0.0.1:8000/fhir/dtr"
VERSIONS: Final = ("2.0.1", "2.2")
PACKAGE_PARAMETER: Final = {"2.0.1": "PackageBundle", "2.2": "packagebundle"}
OUTCOME_PARAMETER: Final = {"2.0.1": "operationOutcome", "2.2": "outcome"}
FHIR_JSON: Final = "application/fhir+json"
DTR: Final = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
SDC: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition"
MACRILEN: Final = f"{BASE}/Questionnaire/cigna-1701-macrilen"
ADAPTIVE: Final = f"{MACRILEN}-adaptive"
KETAMINE: Final = f"{BASE}/Questionnaire/bcbs-al-mp-446-chronic-pain"


@functools.cache
def app() -> Flask:
    """The application with the shipped policies; its database is a temporary one."""
    folder = tempfile.mkdtemp(prefix="dtr-conformance-")
    return create_app(Settings(database_url=f"sqlite:///{folder}/forms.sqlite3", log_level="ERROR"))


def client() -> FlaskClient:
    return app().test_client()


def post(version: str, path: str, body: object) -> TestResponse:
    """POST a resource, or bytes as they are."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return client().post(f"/fhir/dtr/{version}/{path}", data=data, content_type=FHIR_JSON)


def get(version: str, path: str) -> Resource:
    """GET a resource that is there."""
    response = client().get(f"/fhir/dtr/{version}/{path}")
    assert response.status_code == 200, response.data
    assert response.content_type == FHIR_JSON
    found: Resource = orjson.loads(response.data)
    return found


# -- what is sent --------------------------------------------------------------------------------------------


def coverage(**elements: Any) -> Resource:
    """The member's Coverage as the hook sees it."""
    return crd.coverage(**elements)


def order(identity: str = "order-1", **elements: Any) -> Resource:
    """Macrilen in 2024 for a reason that leaves its use open: two questions remain when the chart is thin."""
    return crd.drug(identity, **elements)


def parameters(
    *orders: Resource,
    coverages: Sequence[Resource] | None = None,
    questionnaires: Sequence[str] = (),
    context: str | None = None,
    changed_since: str | None = None,
    referenced: Sequence[Resource] = (),
) -> Resource:
    """The input of $questionnaire-package."""
    found: list[Resource] = [
        {"name": "coverage", "resource": each} for each in ([coverage()] if coverages is None else coverages)
    ]
    found += [{"name": "order", "resource": each} for each in orders]
    found += [{"name": "referenced", "resource": each} for each in referenced]
    found += [{"name": "questionnaire", "valueCanonical": each} for each in questionnaires]
    if context is not None:
        found.append({"name": "context", "valueString": context})
    if changed_since is not None:
        found.append({"name": "changedsince", "valueInstant": changed_since})
    return {"resourceType": "Parameters", "parameter": found}


def package(version: str, body: Resource) -> Resource:
    """The answer of $questionnaire-package to a call that must succeed."""
    response = post(version, "Questionnaire/$questionnaire-package", body)
    assert response.status_code == 200, response.data
    assert response.content_type == FHIR_JSON
    found: Resource = orjson.loads(response.data)
    return found


# -- what comes back -----------------------------------------------------------------------------------------


def bundles(answer: Resource, version: str) -> list[Resource]:
    """The package Bundles of an answer."""
    return [
        each["resource"] for each in answer.get("parameter", ()) if each["name"] == PACKAGE_PARAMETER[version]
    ]


def issues(answer: Resource, version: str) -> list[Resource]:
    """The issues of the outcome parameter."""
    outcomes = [
        each["resource"] for each in answer.get("parameter", ()) if each["name"] == OUTCOME_PARAMETER[version]
    ]
    assert len(outcomes) <= 1
    assert {each["resourceType"] for each in outcomes} <= {"OperationOutcome"}
    return [issue for outcome in outcomes for issue in outcome["issue"]]


def codes(found: Sequence[Resource]) -> list[str]:
    """The stable codes of issues."""
    return [each["details"]["coding"][0]["code"] for each in found]


def refusal(response: TestResponse, status: int) -> str:
    """The code of the only issue of a refusal, which must be an OperationOutcome."""
    assert response.status_code == status, response.data
    assert response.content_type == FHIR_JSON
    found = orjson.loads(response.data)
    assert found["resourceType"] == "OperationOutcome"
    assert found["issue"][0]["severity"] == "error"
    return codes(found["issue"])[0]


def of_kind(bundle: Resource, kind: str) -> list[Resource]:
    """The resources of one type in a Bundle."""
    found = (each["resource"] for each in bundle["entry"])
    return [each for each in found if each["resourceType"] == kind]


def questionnaire(bundle: Resource) -> Resource:
    found = of_kind(bundle, "Questionnaire")
    assert len(found) == 1
    return found[0]


def draft(bundle: Resource) -> Resource:
    found = of_kind(bundle, "QuestionnaireResponse")
    assert len(found) == 1
    return found[0]


def extensions(element: Mapping[str, Any], url: str) -> list[Resource]:
    return [each for each in element.get("extension", ()) if each["url"] == url]


def items(holder: Mapping[str, Any]) -> Iterator[Resource]:
    """Every item below a Questionnaire or a response, groups included."""
    for each in holder.get("item", ()):
        yield each
        yield from items(each)
        for given in each.get("answer", ()):
            yield from items(given)


def questions(holder: Mapping[str, Any]) -> list[Resource]:
    """The items of a Questionnaire that take an answer."""
    return [each for each in items(holder) if each["type"] not in ("group", "display")]


# -- answers -------------------------------------------------------------------------------------------------

BMI_30: Final = {"value": 30, "unit": "kg/m2", "system": "http://unitsofmeasure.org", "code": "kg/m2"}


def value_for(question: Resource, wish: bool = True) -> Resource:
    """A valid answer to a question; booleans say `wish`, choices take their first option (else the last)."""
    kind = question["type"]
    if kind == "boolean":
        return {"valueBoolean": wish}
    if kind == "choice":
        return {"valueCoding": question["answerOption"][0 if wish else -1]["valueCoding"]}
    if kind == "quantity":
        unit = question["extension"]
        code = next((each["valueCoding"]["code"] for each in unit if each["url"].endswith("unitOption")), "1")
        return {
            "valueQuantity": {"value": 30, "unit": code, "system": "http://unitsofmeasure.org", "code": code}
        }
    if kind == "date":
        return {"valueDate": "1970-02-03"}
    if kind == "attachment":
        return {"valueAttachment": {"contentType": "application/pdf", "data": "JVBERi0xLjQ="}}
    return {"valueString": "see notes"}


def answered(question: Resource, wish: bool = True) -> Resource:
    """An item of a response with an answer to a question, given by hand."""
    author = {
        "url": "author",
        "extension": [
            {
                "url": "role",
                "valueCodeableConcept": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/practitioner-role",
                            "code": "doctor",
                        }
                    ]
                },
            }
        ],
    }
    origin = {
        "url": f"{DTR}/information-origin",
        "extension": [{"url": "source", "valueCode": "manual"}, author],
    }
    answer = value_for(question, wish) | {"extension": [origin]}
    return {"linkId": question["linkId"], "text": question["text"], "answer": [answer]}


def contained(response: Resource) -> Resource:
    """The Questionnaire contained in an adaptive response."""
    (found,) = response["contained"]
    assert found["resourceType"] == "Questionnaire"
    result: Resource = found
    return result


def adaptive_draft(version: str, url: str = ADAPTIVE) -> Resource:
    """The response in the package of an adaptive form."""
    (bundle,) = bundles(package(version, parameters(questionnaires=[url])), version)
    return draft(bundle)


def next_question(version: str, response: Resource) -> Resource:
    """One step of an adaptive form that must succeed."""
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "questionnaire-response", "resource": response}],
    }
    answer = post(version, "Questionnaire/$next-question", body)
    assert answer.status_code == 200, answer.data
    assert answer.content_type == FHIR_JSON
    found: Resource = orjson.loads(answer.data)
    assert found["resourceType"] == "QuestionnaireResponse"
    return found


def with_answers(response: Resource, wish: bool = True) -> Resource:
    """The response with answers to all questions of its contained Questionnaire that have none."""
    given = copy.deepcopy(response)
    known = {each["linkId"] for each in items(given)}
    new = [answered(each, wish) for each in questions(contained(response)) if each["linkId"] not in known]
    given["item"] = [*given.get("item", ()), *new]
    return given


def steps(version: str, response: Resource, wish: bool = True) -> Iterator[Resource]:
    """Every answer of $next-question until the form is completed."""
    for _ in range(40):
        response = next_question(version, response)
        yield response
        if response["status"] == "completed":
            return
        response = with_answers(response, wish)
    raise AssertionError("an adaptive form that does not end")
