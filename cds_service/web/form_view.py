"""What the templates of the form pages are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, Final, NamedTuple

from cds_service.coverage_check.documentation import Decided, OpenDocumentation
from cds_service.crd.cards import cards
from cds_service.crd.extension import PolicyPage
from cds_service.crd.versions import VERSIONS
from cds_service.decisions.model import Outcome
from cds_service.policies.model import in_force_since
from cds_service.web import form_evidence
from cds_service.web.form_entries import NOTHING, Entries, Entry, in_words
from cds_service.web.form_files import ACCEPTED, IN_WORDS, limit_in_words, megabytes
from cds_service.web.form_order import order_facts
from cds_service.web.form_page import FormPart, PartMaker, Standing
from cds_service.web.form_sending import ROLES
from cds_service.web.form_state import FormState, OneForm, author_of, sent_at
from cds_service.web.form_words import parts, plain
from cds_service.web.pages import DISCLAIMER

_STANDINGS: Final = {
    Outcome.COVERED: ("covered", "Covered"),
    Outcome.NOT_COVERED: ("refused", "Not covered"),
}
_STILL_OPEN: Final = ("open", "Still open")
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
        "expiry": _expiry(opened.expires_at, zone),
        "disclaimer": DISCLAIMER,
    }


def may_issue(opened: OpenDocumentation) -> bool:
    """Whether answers can bring the authorization at once: the payer gives it, and the client takes it."""
    return opened.assertion.payer.real_time_approval and opened.state.context.unsolicited


def form_parts(
    forms: Iterable[OneForm],
    opened: OpenDocumentation,
    entries: Mapping[int, Entries],
    problems: Mapping[int, Mapping[str, str]],
) -> list[FormPart]:
    """The forms of the page; `entries` and `problems` are by position."""
    criteria = {each.name: each for each in opened.determination.criteria}
    index = opened.state.context.index
    made: list[FormPart] = []
    number = 1
    for one in forms:
        standing = Standing(criteria, one.recorded, partial(form_evidence.in_words, index=index))
        own = entries.get(one.position, one.entries)
        maker = PartMaker(one.position, one.form, own, standing, problems.get(one.position, {}), number)
        part = maker.part()
        number += sum(1 for each in part.fields if each.number is not None)
        made.append(part)
    return made


def questions(drug: str, shown: list[FormPart], who: Who, unsent: str, notice: str) -> dict[str, Any]:
    """What the form itself shows; `unsent` says that it could not be sent, `notice` that it was kept."""
    problems = [
        (field.target, f"{field.question.text} – {field.error}")
        for part in shown
        for field in part.fields
        if field.error
    ]
    problems += who.problems
    said = needed_in_words(shown)
    heading = f"{drug or 'This order'}: {' and '.join(_purposes(shown))}"
    state = "Error" if problems or unsent else "Draft kept" if notice else "Questions"
    return {
        "parts": shown,
        "problems": problems,
        "needed": [field for part in shown for field in part.needed],
        "needed_said": said,
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


def needed_in_words(shown: list[FormPart]) -> str:
    """How many answers are needed, as the page's script says it too."""
    needed = sum(len(each.needed) for each in shown)
    later = sum(each.may_follow for each in shown)
    if not needed:
        return "Nothing more. Send the answers to get the decision."
    more = f"; up to {later} more may follow" if later else ""
    return f"{'One answer' if needed == 1 else f'{needed} answers'} now{more}."


def result(state: FormState, decided: Decided, policy_page: PolicyPage, zone: tzinfo) -> dict[str, Any]:
    """The page after sending: the words of the card, the number, what differs and what is missing."""
    determination = decided.determination
    standing, said = _STANDINGS.get(determination.outcome, _STILL_OPEN)
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
        "given": [answer for one in state.forms for answer in _answered(one)],
    }


def _answered(one: OneForm) -> Iterator[Answered]:
    for question in one.form.questions():
        entry = one.entries.get(question.link_id, NOTHING)
        if not entry.is_empty:
            yield Answered(
                question.text, in_words(question, entry), _origin(entry, one.recorded.get(question.link_id))
            )


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
