"""What the templates of the form pages are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, Final, NamedTuple

from cds_service.coverage_check.documentation import Decided, OpenDocumentation
from cds_service.crd.cards import cards
from cds_service.crd.extension import PolicyPage, settings_in_words
from cds_service.crd.versions import VERSIONS
from cds_service.decisions.model import Outcome, SiteAdvice
from cds_service.policies.model import in_force_since
from cds_service.web import form_evidence
from cds_service.web.form_entries import NOTHING, Entries, Entry, in_words
from cds_service.web.form_fields import Field, FormPart, same_questions
from cds_service.web.form_files import ACCEPTED, IN_WORDS, limit_in_words, megabytes
from cds_service.web.form_order import order_facts
from cds_service.web.form_page import Filling, Standing, form_parts
from cds_service.web.form_sending import ROLES
from cds_service.web.form_state import FormState, OneForm, author_of, sent_at
from cds_service.web.form_words import parts, plain
from cds_service.web.pages import DISCLAIMER

_STANDINGS: Final = {
    Outcome.COVERED: ("covered", "Covered"),
    Outcome.NOT_COVERED: ("refused", "Not covered"),
}
_STILL_OPEN: Final = ("open", "Still open")
_SETTING_ONLY: Final = ("open", "The setting is accepted")
_TIME: Final = "%-d %B %Y, %H:%M %Z"


@dataclass(frozen=True, slots=True)
class Who:
    """Who answers, as typed."""

    name: str = ""
    role: str = ""
    name_error: str = ""
    role_error: str = ""

    def checked(self) -> Who:
        """With what is missing."""
        return replace(
            self,
            name_error="" if self.name else "Enter your name",
            role_error="" if self.role else "Choose your role",
        )

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(id of the input, what is wrong)."""
        found = (("who-name-input", self.name_error), ("who-role-input", self.role_error))
        return [(target, f"Who answers: {text[0].lower()}{text[1:]}") for target, text in found if text]


class Limits(NamedTuple):
    """What documents are taken, in words."""

    one: str
    all: str
    accepted: str = ACCEPTED
    kinds: str = IN_WORDS
    size: Any = staticmethod(megabytes)


class Answered(NamedTuple):
    """One answer that was sent."""

    question: str
    answer: str
    origin: str


def limits(one: int, whole: int) -> Limits:
    """The limits on documents, in bytes: of one, and of all that is sent."""
    return Limits(limit_in_words(one), limit_in_words(whole))


def shared(opened: OpenDocumentation, policy_page: PolicyPage, zone: tzinfo) -> dict[str, Any]:
    """What every page about an order shows; times are said in `zone`."""
    determination = opened.determination
    pages = dict.fromkeys((each.policy, each.version, each.number) for each in determination.policies)
    return {
        "payer": opened.assertion.payer.label,
        "drug": determination.drug or "This order",
        "rows": order_facts(opened),
        "policies": [
            {"label": f"{number}, {in_force_since(version)}", "url": policy_page(policy, version)}
            for policy, version, number in pages
        ],
        "advice": _advice(determination.site),
        "expiry": _expiry(opened.expires_at, zone),
        "disclaimer": DISCLAIMER,
    }


def _advice(site: SiteAdvice | None) -> str:
    """Where the drug is covered without an exception; empty where that is not the question."""
    if site is None or not site.lower_cost_settings:
        return ""
    return f"The drug is covered without one in these settings: {settings_in_words(site)}."


def may_issue(opened: OpenDocumentation) -> bool:
    """Whether answers can bring the authorization at once: the payer gives it, and the client takes it."""
    decides = opened.determination.necessity_on_file
    return decides and opened.assertion.payer.real_time_approval and opened.state.context.unsolicited


def parts_of(
    forms: Iterable[OneForm],
    opened: OpenDocumentation,
    entries: Mapping[int, Entries],
    problems: Mapping[int, Mapping[str, str]],
) -> list[FormPart]:
    """The forms of the page; `entries` and `problems` are by position."""
    criteria = {each.name: each for each in opened.determination.criteria}
    describe = partial(form_evidence.in_words, index=opened.state.context.index)
    return form_parts(
        Filling(
            one.position,
            one.form,
            entries.get(one.position, one.entries),
            Standing(criteria, one.recorded, describe),
            problems.get(one.position, {}),
        )
        for one in forms
    )


def questions(drug: str, shown: list[FormPart], who: Who, unsent: str, notice: str) -> dict[str, Any]:
    """What the form itself shows; `unsent` says that it could not be sent, `notice` that it was kept."""
    firsts = _firsts(shown)
    problems = [
        (field.target, f"{field.question.text} – {field.error}")
        for field in _unique(firsts, firsts.values())
        if field.error
    ]
    problems += who.problems
    needed = _unique(firsts, (field for part in shown for field in part.needed()))
    waiting = _unique(firsts, (field for part in shown for field in part.waiting()))
    heading = f"{drug or 'This order'}: {' and '.join(_purposes(shown))}"
    state = "Error" if problems or unsent else "Draft kept" if notice else "Questions"
    return {
        "parts": shown,
        "problems": problems,
        "needed": needed,
        "needed_said": _needed_in_words(len(needed), sum(each not in needed for each in waiting)),
        "heading": heading,
        "title": f"{state}: {heading}",
    }


def _purposes(shown: list[FormPart]) -> list[str]:
    """What the forms are for, as their titles say it after the name of what they are about."""
    said = (part.form.title.rpartition(": ")[2] for part in shown)
    return list(dict.fromkeys(said)) or ["questions"]


def who_answered(state: FormState) -> Who:
    """Who answered before, by what is kept."""
    for one in state.forms:
        signed = author_of(one.response)
        if signed.name or signed.role:
            roles = {role[2]: key for key, (_, role) in ROLES.items()}
            return Who(signed.name, roles.get(signed.role, ""))
    return Who()


def _firsts(shown: list[FormPart]) -> dict[str, Field]:
    """The fields that are on the page, by their own names and those of their twins."""
    found: dict[str, Field] = {}
    for part in shown:
        for field in part.fields:
            first = found.setdefault(field.name, field)
            found.update({twin.name: first for twin in field.twins})
    return found


def _unique(firsts: Mapping[str, Field], fields: Iterable[Field]) -> list[Field]:
    return list({firsts[each.name].name: firsts[each.name] for each in fields}.values())


def _needed_in_words(needed: int, later: int) -> str:
    """How many answers are needed, as the page's script says it too."""
    if not needed:
        return "Nothing more. Send the answers to get the decision."
    more = f"; up to {later} more may follow" if later else ""
    return f"{'One answer' if needed == 1 else f'{needed} answers'} now{more}."


def result(state: FormState, decided: Decided, policy_page: PolicyPage, zone: tzinfo) -> dict[str, Any]:
    """The page after sending: the words of the card, the number, what differs and what is missing."""
    determination = decided.determination
    standing, said = _STANDINGS.get(determination.outcome, _STILL_OPEN)
    if determination.outcome is Outcome.COVERED and not determination.necessity_on_file:
        standing, said = _SETTING_ONLY
    version = VERSIONS[state.opened.crd_version]
    made = list(cards(decided.assertion, version, "form", policy_page))
    summary = plain(str(made[0]["summary"])) if made else said
    period = None
    if determination.allowed_from is not None:
        period = f"{determination.allowed_from} to {determination.allowed_to}"
    return {
        "title": f"{said}: {summary}",
        "standing": standing,
        "standing_said": said,
        "summary": summary,
        "number": decided.authorization_number,
        "period": period,
        "words": [part for card in made for part in parts(card)],
        "contradictions": decided.contradictions,
        "undocumented": decided.undocumented,
        "sent": _sent(state, zone),
        "given": list(_answered(state)),
    }


def _answered(state: FormState) -> Iterator[Answered]:
    """Every answer once, also where several forms ask the same."""
    same = same_questions((one.position, one.form) for one in state.forms)
    said: set[tuple[str, str]] = set()
    for one in state.forms:
        for question in one.form.questions():
            entry = one.entries.get(question.link_id, NOTHING)
            words = in_words(question, entry)
            name = (same[one.position, question.link_id][0], words)
            if words and name not in said:
                said.add(name)
                yield Answered(question.text, words, _origin(entry, one.recorded.get(question.link_id)))


def _origin(entry: Entry, recorded: Entry | None) -> str:
    if recorded is None or recorded.is_empty:
        return ""
    if recorded.texts == entry.texts:
        return "(on record)"
    return "(differs from the record)"


def _sent(state: FormState, zone: tzinfo) -> str:
    answers = [one.response for one in state.forms]
    name = next(filter(None, (author_of(each).name for each in answers)), "")
    times = [moment for moment in map(sent_at, answers) if moment is not None]
    by = f" by {name}" if name else ""
    return f"Sent{by} on {max(times).astimezone(zone):{_TIME}}." if times else f"Sent{by}."


def _expiry(moment: datetime | None, zone: tzinfo) -> str:
    if moment is None:
        return ""
    until = moment.astimezone(zone)
    return (
        f"This link and what is kept behind it work until {until:{_TIME}}. After that, sign the order again "
        "to get a new one. There is no other limit on time, and a saved draft stays until then."
    )
