"""Changed rules, compiled and tried on the golden cases in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cds_service.authoring.elm_texts import ElmText, ElmTexts, Name, Node, paths, replaced
from cds_service.authoring.mutations import VALUES, context, variants
from cds_service.authoring.policy_mutations import PolicyChange, policy_changes
from cds_service.authoring.prepared_cases import Addressed, PreparedCase, prepare
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.coverage_check import CoverageCheck
from cds_service.cql import CompiledLibrary, CompileError
from cds_service.cql.compiler.unit import LibraryUnit
from cds_service.policies.catalogue import Catalogue
from cds_service.policies.criteria import criteria_tree
from cds_service.policies.errors import CatalogueError
from cds_service.policies.model import PolicyVersion, Statement
from cds_service.policies.value_sets import ValueSet, ValueSets


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change: where it is, what it is, which statements could notice it, and the changed catalogue.

    `policy` is set where the golden cases of one policy have to notice. `make` gives None where the change
    leaves no rules that load: nothing anybody could publish.
    """

    file: str
    definition: str
    locator: str
    words: str
    touches: Addressed
    make: Callable[[], Catalogue | None]
    policy: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.locator.partition(':')[0]}" if self.locator else self.file
        return f"{place}: {self.definition}: {self.words}"


class MutationBench:
    """The rules of some policies, all changes of them, and the golden cases that should notice."""

    def __init__(self, folder: RuleFolder, policies: Sequence[str] = (), shipped: Path | None = None) -> None:
        """Shared definitions that are those of `shipped`, another rule folder, are proven there: left alone.

        Raises UnknownPolicyError, CaseError.
        """
        self.folder = folder
        self._shipped = shipped if shipped and shipped.resolve() != folder.directory.resolve() else None
        self.versions = folder.versions(policies)
        self._texts = ElmTexts(folder.directory)
        first = {(each.policy, each.version): number for number, each in enumerate(self.versions)}
        # What is shared with other policies may be noticed by their cases too.
        everything = sorted(
            folder.versions(), key=lambda each: first.get((each.policy, each.version), len(first))
        )
        self.cases = [prepare(folder, case) for version in everything for case in folder.cases(version)]

    def unsound(self) -> list[PreparedCase]:
        """The cases that do not hold even without a change."""
        check = CoverageCheck(self.folder.catalogue)
        return [case for case in self.cases if not case.holds(check)]

    def mutations(self) -> Iterator[Mutation]:
        """Every change, by policy version: of the rules, of the value sets, of policy.yaml."""
        touched = self._touched()
        for name, statements in touched.items():
            yield from self._of_definition(name, statements)
        yield from self._of_value_sets(touched)
        for version in self.versions:
            timeline = [each for each in self.folder.catalogue.versions if each.policy == version.policy]
            for change in policy_changes(version, timeline):
                yield self._of_policy(change)

    def caught_by(self, mutation: Mutation) -> str | None:
        """The first golden case that notices; "" when the changed rules do not load, None when none does."""
        catalogue = mutation.make()
        if catalogue is None:
            return ""
        check = CoverageCheck(catalogue)
        for case in self.cases:
            if mutation.policy not in (None, case.policy):
                continue
            if (not mutation.touches or mutation.touches & case.addressed) and not case.holds(check):
                return case.case.label
        return None

    def _touched(self) -> dict[Name, Addressed]:
        """The definitions of the chosen versions, and the statements of any version that use them."""
        chosen: dict[Name, None] = {}
        touched: dict[Name, set[tuple[str, str, str]]] = {}
        for version in self.folder.catalogue.versions:
            for statement in version.statements:
                roots = [statement.conclusion, *([statement.applies] if statement.applies else [])]
                reached = self._texts.reached(version.library.name, roots)
                if version in self.versions:
                    chosen |= reached
                for name in reached:
                    touched.setdefault(name, set()).add((version.policy, version.version, statement.id))
        return {name: frozenset(touched[name]) for name in chosen if not self._is_shipped(name)}

    def _is_shipped(self, name: Name) -> bool:
        if self._shipped is None:
            return False
        file = self._texts[name[0]].file
        original = self._shipped / file
        return original.is_file() and original.read_bytes() == (self.folder.directory / file).read_bytes()

    def _of_definition(self, name: Name, touches: Addressed) -> Iterator[Mutation]:
        text = self._texts[name[0]]
        for place, definition in text.definitions(name[1]):
            root = ("statements", "def", place, "expression")
            above: dict[tuple[str | int, ...], Node] = {}
            for path, node in paths(definition["expression"]):
                above[path] = node
                locator = str(node.get("locator") or definition.get("locator", ""))
                where = ""
                if node.get("type") in VALUES:
                    around = [
                        above[path[:end]] for end in range(len(path) - 1, -1, -1) if path[:end] in above
                    ]
                    where = context(around, text.words)
                for new, words in variants(node, text.words):
                    make = self._with_elm(text, (*root, *path), new)
                    yield Mutation(text.file, name[1], locator, words + where, touches, make)
        for place, code in enumerate(text.codes()):
            if code["name"] == name[1]:
                make = self._with_elm(text, ("codes", "def", place, "id"), f"not-{code['id']}")
                words = f"code {code['id']} becomes another"
                yield Mutation(text.file, name[1], str(code.get("locator", "")), words, touches, make)

    def _of_value_sets(self, touched: Mapping[Name, Addressed]) -> Iterator[Mutation]:
        found: dict[str, set[tuple[str, str, str]]] = {}
        for name, statements in touched.items():
            for url in self._texts.value_sets({name: None}):
                found.setdefault(url, set()).update(statements)
        for version in self.versions:
            for statement in version.statements:
                for condition in statement.conditions_not_covered:
                    if condition.value_set is not None:
                        where = (version.policy, version.version, statement.id)
                        found.setdefault(condition.value_set, set()).add(where)
        for url, concerned in found.items():
            value_set = self.folder.catalogue.value_sets.lookup(url)
            if value_set is not None:
                file = f"catalog/value_sets/{value_set.id}.yaml"
                make = self._without_codes(value_set)
                yield Mutation(file, value_set.title, "", "emptied", frozenset(concerned), make)

    def _of_policy(self, change: PolicyChange) -> Mutation:
        version = change.version
        file = f"policies/{version.policy}/{version.version}/policy.yaml"
        # What a statement no longer speaks of may fall to any other: every case may notice.
        return Mutation(
            file,
            change.place,
            "",
            change.words,
            frozenset(),
            lambda: self._catalogue(change.versions),
            version.policy,
        )

    def _with_elm(
        self, text: ElmText, path: tuple[str | int, ...], new: Any
    ) -> Callable[[], Catalogue | None]:
        def make() -> Catalogue | None:
            library: Node = replaced(text.library, path, new)
            try:
                compiled = [
                    (version, self._recompiled(version.library, text.name, library))
                    for version in self.folder.catalogue.versions
                ]
                changed = [_with_library(*each) for each in compiled if each[1] is not each[0].library]
            except (CompileError, CatalogueError):
                return None
            return self._catalogue(changed)

        return make

    def _recompiled(self, library: CompiledLibrary, name: str, elm: Node) -> CompiledLibrary:
        """The library with the ELM of `name`, itself or an include, replaced; else itself."""
        if library.name == name:
            includes = {alias: one.unit for alias, one in library.includes.items()}
            return CompiledLibrary(LibraryUnit(elm, includes), library.includes)
        changed = {alias: self._recompiled(one, name, elm) for alias, one in library.includes.items()}
        if all(one is library.includes[alias] for alias, one in changed.items()):
            return library
        own = self._texts[library.name].library
        return CompiledLibrary(LibraryUnit(own, {alias: one.unit for alias, one in changed.items()}), changed)

    def _without_codes(self, value_set: ValueSet) -> Callable[[], Catalogue | None]:
        def make() -> Catalogue | None:
            catalogue = self.folder.catalogue
            systems = catalogue.vocabulary.systems
            empty = ValueSet(value_set.id, value_set.title, value_set.url, value_set.source, (), systems)
            kept = [empty if each is value_set else each for each in catalogue.value_sets]
            return catalogue.what_if(catalogue.versions, ValueSets(kept))

        return make

    def _catalogue(self, changed: Iterable[PolicyVersion]) -> Catalogue | None:
        catalogue = self.folder.catalogue
        new = {(each.policy, each.version): each for each in changed}
        versions = [new.get((each.policy, each.version), each) for each in catalogue.versions]
        try:
            return catalogue.what_if(versions)
        except CatalogueError:
            return None


def _with_library(version: PolicyVersion, library: CompiledLibrary) -> PolicyVersion:
    """The version decided by a changed library. Raises CatalogueError when its criteria cannot be read."""
    statements = tuple(_with_trees(each, library) for each in version.statements)
    return replace(version, library=library, statements=statements)


def _with_trees(statement: Statement, library: CompiledLibrary) -> Statement:
    scope = statement.scope
    if scope is not None and statement.applies is not None:
        scope = criteria_tree(library, statement.applies)
    return replace(statement, criteria=criteria_tree(library, statement.conclusion), scope=scope)
