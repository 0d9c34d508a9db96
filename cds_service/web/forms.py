"""The form for EHRs that have no DTR app: the page behind the link of a card, with and without script.

Who holds the link may answer: its token is signed and expires. Nothing of it is logged, kept in a cache or
told to another site.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.exceptions import Forbidden, HTTPException

from cds_service.hooks.errors import RequestError
from cds_service.web import errors, form_guard, form_view
from cds_service.web.form_fields import same_questions
from cds_service.web.form_input import Filled, Sent, read_form, read_name
from cds_service.web.form_sending import ROLES, missing, responses, same_answers
from cds_service.web.form_state import FormState, OneForm, load
from cds_service.web.form_view import Who
from cds_service.web.services import services

blueprint = Blueprint("forms", __name__)
logger = logging.getLogger("cds_service.form")

_NOTICES: Final = {
    "draft": "The draft is saved. You can close this page and open the link again to go on.",
    "kept": "Your answers are kept as a draft. Nothing was sent, and no authorization was asked for.",
}
_KEPT: Final = "Nothing was sent yet. What you entered is kept as a draft."
_NOT_KEPT: Final = "Nothing was sent, and what you entered could not be kept: try again in a little while."


@dataclass(slots=True)
class Page:
    """The form page while it is answered: what was entered, and what is wrong with it."""

    token: str
    state: FormState
    filled: dict[int, Filled] = field(default_factory=dict)
    who: Who = field(default_factory=Who)
    issue: bool = True
    notice: str = ""
    unsent: str = ""
    status: int = 200

    @property
    def forms(self) -> tuple[OneForm, ...]:
        """The forms that it shows."""
        return self.state.to_fill

    def responses(self, now: datetime, *, complete: bool) -> list[dict[str, Any]]:
        """What was entered, as QuestionnaireResponses."""
        who = self.who
        return responses(self.state, self.forms, self.filled, who.name, who.role, now, complete=complete)

    @property
    def is_wrong(self) -> bool:
        """Whether any field has a problem."""
        return bool(self.who.problems) or any(each.problems for each in self.filled.values())


@blueprint.get("/forms/<token>")
def show(token: str) -> Response:
    """The form while something is asked, else the decision."""
    state = load(form_guard.documentation(), token)
    if state.is_answered:
        return _decision(token, state)
    if not state.forms:
        return form_guard.closed("nothing-asked")
    return _form(Page(token, state, notice=_NOTICES.get(request.args.get("saved", ""), "")))


@blueprint.get("/forms/<token>/correct")
def correct(token: str) -> Response:
    """The form again, with the answers that were sent."""
    state = load(form_guard.documentation(), token)
    if not state.forms:
        return form_guard.closed("nothing-asked")
    return _form(Page(token, state))


@blueprint.post("/forms/<token>")
def send(token: str) -> Response:
    """Keep a draft, or decide with the answers; then have the page got anew: a reload sends nothing."""
    form_guard.check_origin()
    state = load(form_guard.documentation(), token)
    page = _read(token, state)
    seen = request.form.get("seen", "")
    if not form_guard.is_stamped(token, seen, request.form.get("stamp", "")):
        raise Forbidden
    if seen != state.seen:  # answers were sent since the page was opened
        if same_answers(state.forms, page.filled):
            return form_guard.see_other(token)
        return form_guard.closed("sent-meanwhile", url_for("forms.show", token=token))
    try:
        if request.form.get("action") != "save" and page.issue:
            return _send(page)
        return _save(page)
    except RequestError as error:
        page.status, page.unsent = form_guard.status_of(error), _NOT_KEPT
        if page.status != 503:
            raise
        return _form(page)


@blueprint.errorhandler(RequestError)
def refused(error: RequestError) -> Response:
    """A page instead of an OperationOutcome."""
    logger.info("form refused", extra={"code": error.code})
    return form_guard.closed_for(form_guard.status_of(error))


@blueprint.errorhandler(HTTPException)
def failed(error: HTTPException) -> Response:
    """The same for errors of HTTP itself."""
    return form_guard.closed_for(error.code or 500)


@blueprint.errorhandler(Exception)
def broken(error: Exception) -> Response:
    """The same for an error of ours, which the log names."""
    errors.internal_error(error)
    return form_guard.closed("broken")


@blueprint.after_request
def protect(response: Response) -> Response:
    """Every answer of this room carries its headers."""
    return form_guard.protected(response)


def _send(page: Page) -> Response:
    """Decide with the answers, unless something is missing; then they are kept as a draft."""
    now, documentation, opened = services().now(), form_guard.documentation(), page.state.opened
    page.who = page.who.checked()
    made = page.responses(now, complete=True)
    unanswered = missing(documentation.preview(opened, made, now), page.forms, page.filled)
    for position, texts in unanswered.items():
        page.filled[position].problems.update({**texts, **page.filled[position].problems})
    if page.is_wrong:
        return _save(page)
    decided = documentation.submit(opened, made, now)
    logger.info("form answered", extra={"outcome": decided.determination.outcome.value})
    return form_guard.see_other(page.token)


def _save(page: Page) -> Response:
    """Keep a draft; shown again at once when something is wrong with it."""
    now, documentation = services().now(), form_guard.documentation()
    for one, response in zip(page.forms, page.responses(now, complete=False), strict=True):
        documentation.save_draft(page.state.opened, one.form, response, now)
    if not page.is_wrong:
        return form_guard.see_other(page.token, "draft" if page.issue else "kept")
    page.unsent, page.status = _KEPT, 422
    return _form(page)


def _read(token: str, state: FormState) -> Page:
    """The page as it was filled in."""
    fields = request.form
    page = Page(token, state)
    same = same_questions((one.position, one.form) for one in state.forms)
    most = services().settings.max_body_bytes
    sent = Sent(fields, request.files, same, form_guard.largest_document(), most)
    shown = {one.position for one in page.forms}
    page.filled = {
        one.position: read_form(one.position, one.form, sent, one.entries, one.recorded)
        for one in state.forms
        if one.position in shown or any(name.startswith(f"{one.position}.") for name in fields)
    }
    role = fields.get("who.role", "")
    page.who = Who(read_name(fields, "who.name"), role if role in ROLES else "")
    page.issue = fields.get("issue") != "no"
    return page


def _form(page: Page) -> Response:
    """The form with what was entered, or with what is kept."""
    state, here = page.state, services()
    entries = {position: each.entries for position, each in page.filled.items()}
    problems = {position: each.problems for position, each in page.filled.items()}
    shown = form_view.parts_of(page.forms, state.opened, entries, problems)
    who = page.who if page.filled else form_view.who_answered(state)
    context = form_view.questions(state.opened.determination.drug, shown, who, page.unsent, page.notice)
    content = render_template(
        "form.html",
        **form_view.shared(state.opened, here.check.policy_page, here.settings.time_zone),
        **context,
        action=url_for("forms.show", token=page.token),
        stamp=form_guard.stamp(page.token, state.seen),
        seen=state.seen,
        notice=page.notice,
        unsent=page.unsent,
        who=who,
        roles=[(key, label) for key, (label, _) in ROLES.items()],
        issue=page.issue,
        may_issue=form_view.may_issue(state.opened),
        limits=form_view.limits(form_guard.largest_document(), here.settings.max_body_bytes),
    )
    return Response(content, page.status, content_type="text/html; charset=utf-8")


def _decision(token: str, state: FormState) -> Response:
    """The decision with the answers that were sent."""
    here = services()
    decided = form_guard.documentation().preview(state.opened, (), here.now())
    content = render_template(
        "form_done.html",
        **form_view.shared(state.opened, here.check.policy_page, here.settings.time_zone),
        **form_view.result(state, decided, here.check.policy_page, here.settings.time_zone),
        correct=url_for("forms.correct", token=token),
    )
    return Response(content, content_type="text/html; charset=utf-8")
