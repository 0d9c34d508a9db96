"""What an adaptive form concludes for the order it was begun for (DTR 2.2.0, spec-33, spec-41 to spec-45).

The coverage information on its draft names the decision; the client sends it back with every step. Whatever
it says there, only its id counts: what goes back is always what this service decides.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from cds_service.coverage_check.documentation import Documentation
from cds_service.coverage_check.open_documentation import OpenDocumentation
from cds_service.crd.assertion import CoverageAssertion
from cds_service.crd.extension import coverage_information
from cds_service.crd.versions import COVERAGE_INFORMATION, VERSIONS
from cds_service.dtr.model import Form
from cds_service.fhir import reads
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.web.services import Services

Resource = Mapping[str, Any]
Item = dict[str, Any]

ISSUE: Final = "issue-authorization"
"""The link id of the last question: whether to issue the number of the prior authorization."""

_ID: Final = "coverage-assertion-id"
_CRD_VERSION: Final = VERSIONS["2.2"]  # the one that DTR 2.2 goes with
_COMPLETED: Final = ("completed", "amended")
_QUESTION: Final[Mapping[str, Any]] = {
    "linkId": ISSUE,
    "text": "These answers meet the criteria. Shall the prior authorization be issued now, with its number?",
    "type": "boolean",
    "required": True,
}


class Consent(NamedTuple):
    """The answer to the last question; `item` as the client sent it."""

    item: Item
    given: bool


def marked(response: Resource, opened: OpenDocumentation, here: Services, now: datetime) -> Item:
    """A draft with the coverage information of the decision that it is for."""
    return _with_information(response, opened.assertion, here, now)


def without_consent(response: Resource) -> tuple[Item, Consent | None]:
    """The response without the last question, which is none of the form's, and the answer to that."""
    plain = copy.copy(dict(response))
    found = _taken(plain, "item")
    contained = plain.get("contained")
    if isinstance(contained, list):
        plain["contained"] = [dict(each) if isinstance(each, dict) else each for each in contained]
        for each in plain["contained"]:
            if isinstance(each, dict):
                _taken(each, "item")
    answers = reads.objects(found.get("answer")) if found is not None else ()
    value = answers[0].get("valueBoolean") if answers else None
    if found is None or not isinstance(value, bool):
        return plain, None
    return plain, Consent(found, value)


def concluded(
    answer: Item,
    consent: Consent | None,
    form: Form,
    here: Services,
    documentation: Documentation,
    client: str | None,
    now: datetime,
    *,
    was_completed: bool = False,
) -> Item:
    """The answer of a step with what is decided so far; completed ones decide the order.

    `was_completed`: the step was already over when it came. Where the answers lead to an authorization,
    the form asks first whether to issue it. Raises RequestError for a response about another order than that
    of its context.
    """
    opened = _opened(answer, documentation, client)
    if opened is None and was_completed:  # nothing to add to what was concluded then
        return _with_question(answer, consent) if consent else answer
    if opened is None:
        return _with_information(answer, None, here, now)
    standing, name = opened
    if answer["status"] not in _COMPLETED:
        return _with_information(answer, _named(standing.assertion, name), here, now)
    plain = {key: value for key, value in answer.items() if key != "contained"}
    static = plain | {"questionnaire": form.canonical, "status": "completed"}
    decided = documentation.preview(standing, [static], now)
    assertion = decided.assertion
    if assertion.satisfied and consent is None:
        asking = _with_question(answer, None) | {"status": "in-progress"}
        return _with_information(asking, _named(standing.assertion, name), here, now)
    if assertion.satisfied and consent is not None and not consent.given:
        assertion = _named(assertion._replace(satisfied=False), name)
    else:
        assertion = documentation.submit(standing, [static], now).assertion
    return _with_information(_with_question(answer, consent) if consent else answer, assertion, here, now)


def _opened(
    answer: Resource, documentation: Documentation, client: str | None
) -> tuple[OpenDocumentation, str] | None:
    """The decision that a response names, and its name; None where none of that name is known (any more)."""
    for extension in reads.objects(answer.get("extension")):
        if extension.get("url") != COVERAGE_INFORMATION:
            continue
        for part in reads.objects(extension.get("extension")):
            if part.get("url") == _ID and isinstance(name := part.get("valueString"), str):
                try:
                    return documentation.open(name, client), name
                except RequestError as error:
                    if error.kind is not ErrorKind.NOT_FOUND:
                        raise
    return None


def _named(assertion: CoverageAssertion, name: str) -> CoverageAssertion:
    """The same under the name of the context, by which the next step finds it again."""
    return assertion._replace(identifiers=assertion.identifiers._replace(assertion_id=name))


def _with_information(
    response: Resource, assertion: CoverageAssertion | None, here: Services, now: datetime
) -> Item:
    extensions = [
        each for each in reads.objects(response.get("extension")) if each.get("url") != COVERAGE_INFORMATION
    ]
    if assertion is not None:
        page = here.check.policy_page
        extensions.append(coverage_information(assertion, _CRD_VERSION, now.date(), page))
    found = {key: value for key, value in response.items() if key != "extension"}
    return found | ({"extension": extensions} if extensions else {})


def _with_question(answer: Item, consent: Consent | None) -> Item:
    """The answer with the last question, and with what was answered to it."""
    form, *others = answer["contained"]
    form = form | {"item": [*form.get("item", ()), dict(_QUESTION)]}
    found = answer | {"contained": [form, *others]}
    if consent is not None:
        found["item"] = [*found.get("item", ()), consent.item]
    return found


def _taken(holder: Item, name: str) -> Item | None:
    """Take the item of the last question out of a list of items; None when it is not there."""
    listed = holder.get(name)
    if not isinstance(listed, list):
        return None
    mine = [each for each in listed if isinstance(each, dict) and each.get("linkId") == ISSUE]
    if not mine:
        return None
    holder[name] = [each for each in listed if each not in mine]
    if not holder[name]:
        del holder[name]
    return mine[0]
