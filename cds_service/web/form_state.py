"""Where a form stands: open, kept as a draft, or answered; and who sent what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from cds_service.coverage_check.documentation import Documentation, OpenDocumentation
from cds_service.dtr.model import Form
from cds_service.dtr.versions import DTR_2_2
from cds_service.web.form_entries import ORIGIN, Entries, entries

_ANSWERED: Final = ("completed", "amended")
VERSION: Final = DTR_2_2  # of the responses that the page makes


@dataclass(frozen=True, slots=True)
class OneForm:
    """One form of the page. `position` names it in the inputs; `entries` are its fields as kept.

    `recorded` is what the chart answers, whatever anybody said since, and `prefilled` the same as values.
    """

    position: int
    form: Form
    response: Mapping[str, Any]
    entries: Entries
    recorded: Entries
    prefilled: Mapping[str, Any]

    @property
    def is_answered(self) -> bool:
        """Whether a completed response is the last that was kept."""
        return self.response.get("status") in _ANSWERED


@dataclass(frozen=True, slots=True)
class FormState:
    """Everything behind one link at the moment."""

    opened: OpenDocumentation
    forms: tuple[OneForm, ...] = field(default_factory=tuple)

    @property
    def is_answered(self) -> bool:
        """Whether every form is answered."""
        return bool(self.forms) and all(each.is_answered for each in self.forms)

    @property
    def seen(self) -> str:
        """What tells this decision from later ones; it changes when answers are sent, not by drafts."""
        assertion_id = self.opened.assertion.identifiers.assertion_id
        return blake2b(assertion_id.encode(), digest_size=16).hexdigest()

    @property
    def to_fill(self) -> tuple[OneForm, ...]:
        """The forms to show: those without answers; all of them once none is left, to be corrected."""
        return tuple(each for each in self.forms if self.is_answered or not each.is_answered)


def load(documentation: Documentation, token: str) -> FormState:
    """What stands behind a link; raises RequestError CDS-1050 or CDS-1052."""
    opened = documentation.open_link(token)
    made = []
    for position, form in enumerate(opened.forms):
        response = documentation.response(opened, form, VERSION)
        made.append(
            OneForm(
                position,
                form,
                response,
                entries(form, response),
                entries(form, documentation.fresh_response(opened, form, VERSION)),
                documentation.prefilled(opened, form),
            )
        )
    return FormState(opened, tuple(made))


class Signed(NamedTuple):
    """Who answered by hand: name, role in words, practitioner as the EHR names them."""

    name: str = ""
    role: str = ""
    practitioner: str | None = None


def author_of(response: Mapping[str, Any]) -> Signed:
    """Who answered, as a response says it; empty when all of it comes from the record."""
    return next(_authors(response.get("item")), Signed())


def sent_at(response: Mapping[str, Any]) -> datetime | None:
    """When a response was written."""
    try:
        return datetime.fromisoformat(str(response.get("authored")))
    except ValueError:
        return None


def _authors(items: object) -> Iterator[Signed]:
    for item in items if isinstance(items, list) else ():
        for answer in item.get("answer") or ():
            for extension in answer.get("extension") or ():
                if extension.get("url") == ORIGIN:
                    yield from _signed(extension)
        yield from _authors(item.get("item"))


def _signed(origin: Mapping[str, Any]) -> Iterator[Signed]:
    for each in origin.get("extension") or ():
        if each.get("url") == "author":
            said = {part.get("url"): part for part in each.get("extension") or ()}
            person = said.get("practitioner", {}).get("valueReference", {})
            role = said.get("role", {}).get("valueCodeableConcept", {})
            name, reference = str(person.get("display") or ""), person.get("reference")
            yield Signed(name, str(role.get("text") or ""), reference)
