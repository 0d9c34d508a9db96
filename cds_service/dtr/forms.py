"""The forms of every policy statement: one per statement that answers can decide, found by address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from cds_service.cql import CompiledLibrary
from cds_service.dtr.building import build_items
from cds_service.dtr.model import Form, Question, Section, questions
from cds_service.policies.catalogue import Catalogue
from cds_service.policies.model import PolicyVersion, Statement, StatementKind

PATH = "/fhir/dtr/Questionnaire"


class Forms:
    """All forms of a catalogue. Immutable; shared by every thread."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self._forms = tuple(forms)
        self._by_statement = {
            (each.policy, each.policy_version, each.statement): each for each in self._forms
        }
        self._by_id: dict[str, dict[str, Form]] = {}
        for each in self._forms:
            self._by_id.setdefault(each.id, {})[each.version] = each
        self._ids = {each.url: each.id for each in self._forms}

    @classmethod
    def load(cls, catalogue: Catalogue, base_url: str) -> Forms:
        """The forms of every statement whose outcome an answer can change, in the catalogue's order."""
        made = (
            make_form(version, statement, catalogue.payers[version.payer].label, base_url)
            for version in catalogue.versions
            for statement in version.statements
        )
        return cls(form for form in made if form is not None)

    def __iter__(self) -> Iterator[Form]:
        return iter(self._forms)

    def __len__(self) -> int:
        return len(self._forms)

    def of(self, policy: str, version: str, statement: str) -> Form | None:
        """The form of one statement of one policy version (its folder's name, "2024-07-01"); else None."""
        return self._by_statement.get((policy, version, statement))

    def find(self, url_or_canonical: str, on: date | None = None) -> Form | None:
        """By canonical, with or without "|version"; without, the one that is current on a day (today)."""
        url, _, version = url_or_canonical.partition("|")
        identity = self._ids.get(url)
        return self.by_id(identity, version or None, on) if identity is not None else None

    def by_id(self, identity: str, version: str | None = None, on: date | None = None) -> Form | None:
        """By the form's id; without version the one that is current on a day (today).

        The id of a Questionnaire resource, "<form id>-<version>", names that version.
        """
        versions = self._by_id.get(identity)
        if versions is None:
            return next((each for each in self._forms if identity == resource_id(each)), None)
        return versions.get(version) if version is not None else _current(versions.values(), on)


def resource_id(form: Form) -> str:
    """The id of the Questionnaire resource: it tells versions apart, as the form's id does not."""
    return f"{form.id}-{form.version}"


def make_form(version: PolicyVersion, statement: Statement, publisher: str, base_url: str) -> Form | None:
    """The form of one statement; None when no answer can change its outcome."""
    items = build_items(version, statement)
    if not items:
        return None
    identity = f"{version.policy}-{statement.id}"
    what = "exception" if statement.kind is StatementKind.SITE_OF_CARE else "prior authorization"
    return Form(
        id=identity,
        version=version.library.version or "0.0.0",
        url=f"{base_url}{PATH}/{identity}",
        title=f"{statement.title}: questions for {what}",
        policy=version.policy,
        policy_version=version.version,
        statement=statement.id,
        library=version.library.name,
        items=items,
        publisher=publisher,
        policy_label=version.label,
        effective_from=None if version.effective_from == date.min else version.effective_from,
        effective_to=version.effective_to,
        named=_named(version.library, items),
    )


def _named(library: CompiledLibrary, items: tuple[Section | Question, ...]) -> tuple[tuple[str, str], ...]:
    used = {each.populated_by.library for each in questions(items) if each.populated_by is not None}
    included = {each.name: each.version or "" for each in library.includes.values()}
    return tuple((name, version) for name, version in included.items() if name in used)


def _current(versions: Iterable[Form], on: date | None) -> Form | None:
    """The version in force on a day; else the last that began before it, else the first one to come."""
    day = on if on is not None else datetime.now(UTC).date()
    timeline = sorted(versions, key=lambda each: each.effective_from or date.min)
    begun = [each for each in timeline if (each.effective_from or date.min) <= day]
    return begun[-1] if begun else timeline[0]
