"""Da Vinci DTR over HTTP: the operations on questionnaires, one base address for each version."""

from __future__ import annotations

import logging
from typing import Final

from flask import Response

from cds_service.dtr import adaptive
from cds_service.dtr.answers import ResponseError
from cds_service.dtr.versions import VERSIONS, DtrVersion
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.web import fhir_dtr_conclusion as conclusion
from cds_service.web import fhir_dtr_documentation as parts
from cds_service.web import fhir_exchange as exchange
from cds_service.web.blueprints import Blueprint
from cds_service.web.fhir_artifacts import not_found
from cds_service.web.fhir_dtr_metadata import ROOT, base_of
from cds_service.web.fhir_dtr_package import PackageAnswer
from cds_service.web.fhir_dtr_request import read_package_request
from cds_service.web.fhir_form_errors import form_errors
from cds_service.web.fhir_parameters import Parameters, Resource, wrong
from cds_service.web.services import services

logger = logging.getLogger("cds_service.dtr")
blueprint = Blueprint(
    "fhir_dtr", __name__, description="Questionnaires for coverage decisions (Da Vinci DTR)"
)
blueprint.register_error_handler(RequestError, exchange.refused)
blueprint.after_request(exchange.counted)

_BASE: Final = f"{ROOT}/<version>"
_QUESTIONNAIRE: Final = "Questionnaire"


def version_of(name: str) -> DtrVersion:
    """The version of DTR that a base address is for; raises RequestError NOT_FOUND."""
    found = VERSIONS.get(name)
    if found is None:
        raise not_found(f"DTR is served here in the versions {', '.join(VERSIONS)}.")
    return found


@blueprint.documented("POST", f"{_BASE}/Questionnaire/$questionnaire-package", parts.PACKAGE)
def questionnaire_package(version: str) -> Response:
    """Questionnaires for orders, a decision or canonicals, each with libraries, value sets and a draft."""
    return _package(version_of(version))


@blueprint.documented("POST", f"{_BASE}/$questionnaire-package", parts.PACKAGE)
def questionnaire_package_of_system(version: str) -> Response:
    """The same at the base address, where the text of DTR 2.0.1 puts it."""
    return _package(version_of(version))


@blueprint.documented("POST", f"{_BASE}/Questionnaire/$next-question", parts.NEXT_QUESTION)
def next_question(version: str) -> Response:
    """The next question of an adaptive form, by what was asked and answered so far; no step is kept."""
    chosen = version_of(version)
    exchange.authorize(_QUESTIONNAIRE, exchange.READ)
    exchange.check_accepted()
    here = services()
    forms, packages = here.of_forms()
    response, consent = conclusion.without_consent(_response(exchange.read_resource()))
    base = base_of(here.public_base_url, chosen)
    try:
        form = adaptive.form_of(forms, response)
        standard = packages.questionnaire(form, chosen)
        answer = adaptive.next_response(response, standard, form, chosen, base)
    except ResponseError as error:
        text = f"{error.element}: {error.text}"
        raise RequestError("CDS-1051", text, (error.element,), ErrorKind.INVALID) from None
    if chosen.coverage_information and here.documentation is not None:
        client, now = exchange.client_label(), here.now()
        answer = conclusion.concluded(
            answer,
            consent,
            form,
            here,
            here.documentation,
            client,
            now,
            was_completed=response.get("status") == answer["status"] != "in-progress",
        )
    logger.info("next question", extra={"questionnaire": form.canonical, "status": answer["status"]})
    return exchange.answer(answer)


@blueprint.documented("POST", f"{_BASE}/Questionnaire/$log-questionnaire-errors", parts.LOG_ERRORS)
def log_questionnaire_errors(version: str) -> Response:
    """Keep what a client reports about a questionnaire or its logic."""
    version_of(version)
    exchange.authorize(_QUESTIONNAIRE, exchange.READ)
    here = services()
    forms, _ = here.of_forms()
    parameters = Parameters(exchange.read_resource())
    for record in form_errors(parameters, exchange.client_label(), here.now(), forms):
        here.record(record)
        form = forms.find(record.questionnaire)
        label = form.canonical if form is not None else "not ours"
        here.measures.note((here.measures.form_errors, (label,)))
    return Response(status=204)


def _package(version: DtrVersion) -> Response:
    exchange.authorize(_QUESTIONNAIRE, exchange.READ)
    exchange.check_accepted()
    here = services()
    asked = read_package_request(Parameters(exchange.read_resource()), version, here.limits)
    answer = PackageAnswer(asked, version, here, exchange.client_label(), here.now()).parameters()
    logger.info(
        "questionnaires packaged",
        extra={
            "dtrVersion": version.name,
            "packages": sum(each["name"] == version.package_parameter for each in answer["parameter"]),
            "context": asked.context is not None,
            "orders": len(asked.orders),
            "questionnaires": len(asked.questionnaires),
        },
    )
    return exchange.answer(answer)


def _response(body: Resource) -> Resource:
    """The response in a body: bare, or the parameter questionnaire-response (DTR 2.1: …-in)."""
    if body.get("resourceType") == "QuestionnaireResponse":
        return body
    parameters = Parameters(body)
    for name in ("questionnaire-response", "questionnaire-response-in"):
        if (found := parameters.resource(name)) is not None:
            place, response = found
            if response["resourceType"] != "QuestionnaireResponse":
                raise wrong(place, f"The parameter {name} must hold a QuestionnaireResponse.")
            return response
    raise wrong("Parameters.parameter", "The parameter questionnaire-response is missing.")
