"""Questionnaires, libraries and value sets over HTTP, and what the endpoints say of themselves."""

from __future__ import annotations

from typing import Final

from flask import Response, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as WerkzeugResponse

from cds_service.dtr.adaptive import SUFFIX
from cds_service.dtr.versions import VERSIONS, DtrVersion
from cds_service.hooks.errors import RequestError
from cds_service.hooks.reading import write_json
from cds_service.web import fhir_dtr_documentation as parts
from cds_service.web import fhir_dtr_metadata as metadata
from cds_service.web import fhir_exchange as exchange
from cds_service.web.blueprints import Blueprint
from cds_service.web.fhir_artifacts import KINDS, Artifacts
from cds_service.web.fhir_dtr import version_of
from cds_service.web.fhir_dtr_metadata import ROOT, base_of
from cds_service.web.fhir_parameters import Parameters, wrong
from cds_service.web.fhir_search import search
from cds_service.web.services import services

blueprint = Blueprint("fhir_dtr_resources", __name__, description="Questionnaires, libraries, value sets")
blueprint.register_error_handler(RequestError, exchange.refused)
blueprint.after_request(exchange.counted)

_BASE: Final = f"{ROOT}/<version>"
_VALUE_SET: Final = "ValueSet"
_LATEST: Final = list(VERSIONS.values())[-1]


@blueprint.documented("GET", f"{_BASE}/metadata", parts.METADATA)
def capabilities(version: str) -> Response:
    """What this endpoint does, as a CapabilityStatement."""
    chosen = version_of(version)
    exchange.check_accepted()
    here = services()
    statement = metadata.capability_statement(here.public_base_url, chosen, secured=here.access is not None)
    return exchange.answer(statement)


@blueprint.documented("GET", f"{_BASE}/.well-known/smart-configuration", parts.SMART_OF_VERSION)
def smart_configuration_of_version(version: str) -> Response:
    """How to get an access token (SMART App Launch)."""
    version_of(version)
    return _smart_configuration()


@blueprint.documented("GET", "/.well-known/smart-configuration", parts.SMART)
def smart_configuration() -> Response:
    """How to get an access token (SMART App Launch)."""
    return _smart_configuration()


@blueprint.documented("GET", "/.well-known/davinci-configuration", parts.DAVINCI)
def davinci_configuration() -> Response:
    """Where each version of each Da Vinci guide is served (HRex, endpoint discovery)."""
    return _json(metadata.davinci_configuration(services().public_base_url))


@blueprint.documented("GET", f"{_BASE}/ValueSet/$expand", parts.EXPAND)
def expand(version: str) -> Response:
    """The codes of a value set as of now."""
    chosen = version_of(version)
    exchange.authorize(_VALUE_SET, exchange.READ)
    exchange.check_accepted()
    given = {name: value for name, value in request.args.items() if value}
    return _expanded(chosen, given.get("url"), given.get("filter"), given.get("offset"), given.get("count"))


@blueprint.documented("POST", f"{_BASE}/ValueSet/$expand", parts.EXPAND_POST)
def expand_by_post(version: str) -> Response:
    """The same with the parameters in the body."""
    chosen = version_of(version)
    exchange.authorize(_VALUE_SET, exchange.READ)
    exchange.check_accepted()
    parameters = Parameters(exchange.read_resource())
    url = parameters.text("url", "Uri", "Canonical", "Url", "String")
    text = parameters.text("filter", "String")
    return _expanded(
        chosen,
        url[1] if url else None,
        text[1] if text else None,
        parameters.integer("offset"),
        parameters.integer("count"),
    )


@blueprint.documented("GET", f"{_BASE}/<kind>", parts.SEARCH)
def search_type(version: str, kind: str) -> Response:
    """What is on file of a type, by url, version, name, title, status or id."""
    return _search(version, kind, list(request.args.items(multi=True)))


@blueprint.documented("POST", f"{_BASE}/<kind>/_search", parts.SEARCH_POST)
def search_by_post(version: str, kind: str) -> Response:
    """The same with the parameters as a form."""
    given = [*request.args.items(multi=True), *request.form.items(multi=True)]
    return _search(version, kind, given)


@blueprint.documented("GET", f"{_BASE}/<kind>/<identity>", parts.READ)
def read(version: str, kind: str, identity: str) -> Response:
    """One Questionnaire, Library or ValueSet."""
    return _read(version_of(version), kind, identity)


@blueprint.documented("GET", f"{ROOT}/Questionnaire/<identity>", parts.CANONICAL)
def canonical_questionnaire(identity: str) -> WerkzeugResponse:
    """The address of a questionnaire's canonical: the resource, or for browsers the policy behind it."""
    if not _is_browser():
        return _canonical("Questionnaire", identity)
    form = _artifacts(_LATEST).form(identity.removesuffix(SUFFIX))
    if form is None:
        raise NotFound
    return redirect(services().check.policy_page(form.policy, form.policy_version), Response=Response)


@blueprint.documented("GET", f"{ROOT}/Library/<identity>", parts.CANONICAL)
def canonical_library(identity: str) -> Response:
    """The address of a library's canonical."""
    return _canonical("Library", identity)


@blueprint.documented("GET", f"{ROOT}/ValueSet/<identity>", parts.CANONICAL)
def canonical_value_set(identity: str) -> Response:
    """A value set by its id, whatever version of DTR."""
    return _canonical("ValueSet", identity)


def _canonical(kind: str, identity: str) -> Response:
    response = _read(_LATEST, kind, identity)
    response.headers["Vary"] = "Accept"
    return response


def _read(version: DtrVersion, kind: str, identity: str) -> Response:
    _check_kind(kind)
    exchange.authorize(kind, exchange.READ)
    exchange.check_accepted()
    return exchange.answer(_artifacts(version).read(kind, identity, services().now()))


def _search(version: str, kind: str, query: list[tuple[str, str]]) -> Response:
    chosen = version_of(version)
    _check_kind(kind)
    exchange.authorize(kind, exchange.SEARCH)
    exchange.check_accepted()
    here = services()
    base = base_of(here.public_base_url, chosen)
    strict = "handling=strict" in request.headers.get("Prefer", "").replace(" ", "")
    found = search(_artifacts(chosen).all(kind, here.now()), query, f"{base}/{kind}", base, strict=strict)
    return exchange.answer(found)


def _expanded(
    version: DtrVersion, url: str | None, text: str | None, offset: str | None, count: str | None
) -> Response:
    if not url:
        raise wrong("url", "The parameter url is missing.")
    first, most = _number("offset", offset), _number("count", count)
    found = _artifacts(version).expansion(url, services().now(), text, first or 0, most)
    return exchange.answer(found)


def _number(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise wrong(name, f"The parameter {name} must be a number of at least 0.")
    return int(text)


def _artifacts(version: DtrVersion) -> Artifacts:
    here = services()
    forms, packages = here.of_forms()
    base = base_of(here.public_base_url, version)
    return Artifacts(forms, packages, here.catalogue.value_sets, version, base)


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise NotFound


def _is_browser() -> bool:
    """Whether the caller would rather have a page than FHIR."""
    if request.args.get("_format"):
        return False
    best = request.accept_mimetypes.best_match(["application/fhir+json", "application/json", "text/html"])
    return (
        best == "text/html"
        and request.accept_mimetypes["text/html"] > request.accept_mimetypes["application/fhir+json"]
    )


def _smart_configuration() -> Response:
    here = services()
    return _json(metadata.smart_configuration(here.public_base_url, here.settings.jwt_algorithms))


def _json(content: object) -> Response:
    return Response(write_json(content), content_type="application/json")
