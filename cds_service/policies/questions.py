"""The `questions:` of a policy.yaml: how its author words, explains and completes its forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from cds_service.cql import CompiledLibrary
from cds_service.fhir.systems import CodeSystems
from cds_service.policies.files import Entry

ANSWER_CODES: Final = "https://cds-service.example/CodeSystem/{policy}-answers"
"""The code system of the choices of a policy, for those that name no other."""

WHEN: Final = ("answered", "met", "not-met")
_TYPES: Final = ("boolean", "quantity", "date", "choice", "attachment", "text")


class Choice(NamedTuple):
    """One coded answer; `means` is what it makes of the criterion, None when it leaves it open."""

    system: str
    code: str
    display: str
    means: bool | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """What is said instead of the wording made of a criterion, or of a group of criteria.

    `name` is the definition. `choices` make a coded choice of the question; `populated_by` names the
    definition ("Name" or "Alias.Name") whose code is the answer that the chart gives. `least` and `most`,
    in the criterion's unit, are what a quantity can be at all. An `administrative` group can be answered
    without the clinician.
    """

    name: str
    text: str | None = None
    help: str | None = None
    choices: tuple[Choice, ...] = ()
    populated_by: str | None = None
    administrative: bool = False
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class AddedQuestion:
    """A question that no criterion asks and no rule reads.

    `after` is a criterion, and `when` says which answer to its question brings this one: any ("answered"),
    or one that makes it "met" or "not-met"; without `after` it comes last. `type` is an item type of
    Questionnaire; `statement` None means every statement of the policy version.
    """

    id: str
    text: str
    type: str
    statement: str | None = None
    after: str | None = None
    when: str = WHEN[0]
    help: str | None = None
    unit: str | None = None
    choices: tuple[Choice, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Questions:
    """Everything that a policy version says about its questions."""

    criteria: tuple[Wording, ...] = ()
    groups: tuple[Wording, ...] = ()
    added: tuple[AddedQuestion, ...] = ()

    def criterion(self, name: str) -> Wording:
        """The wording of a criterion; an empty one when there is none."""
        return next((each for each in self.criteria if each.name == name), Wording(name))

    def group(self, name: str | None) -> Wording | None:
        """What the author says of a group of criteria, if anything."""
        return next((each for each in self.groups if each.name == name), None)


def read_questions(entry: Entry, library: CompiledLibrary, systems: CodeSystems, policy: str) -> Questions:
    """The `questions` of a policy.yaml. Raises CatalogueError for what names nothing or says it twice."""
    criteria: dict[str, Wording] = {}
    groups: dict[str, Wording] = {}
    added: dict[str, AddedQuestion] = {}
    for item in entry.entries("questions"):
        kinds = [key for key in ("criterion", "group", "added") if item.optional_text(key) is not None]
        if len(kinds) != 1:
            item.fail("", "must name one of criterion, group or added")
        name = item.text(kinds[0])
        if name in criteria or name in groups or name in added:
            item.fail(kinds[0], f"{name!r} stands twice")
        if kinds[0] == "added":
            added[name] = _added(item, name, systems, policy)
            continue
        _defined(item, kinds[0], library)
        if kinds[0] == "group":
            administrative = item.flag("administrative", False)
            groups[name] = Wording(name, item.text("text"), administrative=administrative)
            continue
        _defined(item, "populated_by", library)
        criteria[name] = Wording(
            name,
            item.optional_text("text"),
            item.optional_text("help"),
            tuple(_choices(item, systems, policy)),
            item.optional_text("populated_by"),
            least=item.integer("least"),
            most=item.integer("most"),
        )
    return Questions(tuple(criteria.values()), tuple(groups.values()), tuple(added.values()))


def _defined(item: Entry, key: str, library: CompiledLibrary) -> None:
    name = item.optional_text(key)
    if name is None or name in library.definitions:
        return
    alias, _, local = name.partition(".")
    if alias not in library.includes or local not in library.includes[alias].definitions:
        item.fail(key, f"{name!r} is not defined in library {library.name}")


def _added(item: Entry, name: str, systems: CodeSystems, policy: str) -> AddedQuestion:
    kind, unit = item.text("type"), item.optional_text("unit")
    when = item.optional_text("when") or WHEN[0]
    if when not in WHEN:
        item.fail("when", f"must be one of {', '.join(WHEN)}")
    choices = tuple(_choices(item, systems, policy))
    if kind not in _TYPES:
        item.fail("type", f"must be one of {', '.join(_TYPES)}")
    if (kind == "choice") != bool(choices) or (kind == "quantity") != (unit is not None):
        item.fail("type", "a choice needs `choices`, a quantity a `unit`, and nothing else has them")
    return AddedQuestion(
        id=name,
        text=item.text("text"),
        type=kind,
        statement=item.optional_text("statement"),
        after=item.optional_text("after"),
        when=when,
        help=item.optional_text("help"),
        unit=unit,
        choices=choices,
        required=item.flag("required", False),
    )


def _choices(item: Entry, systems: CodeSystems, policy: str) -> Iterator[Choice]:
    seen: set[tuple[str, str]] = set()
    for choice in item.entries("choices"):
        named = choice.optional_text("system")
        system = ANSWER_CODES.format(policy=policy) if named is None else systems.url(named)
        if system is None:
            choice.fail("system", f"{named!r} is not in catalog/code_systems.yaml")
        code = choice.text("code")
        if (system, code) in seen:
            choice.fail("code", f"{code} is listed twice")
        seen.add((system, code))
        means = choice.flag("means", False) if choice.data.get("means") is not None else None
        yield Choice(system, code, choice.text("display"), means)
