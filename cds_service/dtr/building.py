"""From the criteria tree of a statement to the items of its form, each asked only while it matters.

Questions are asked one after the other in the policy's order: the next one of an ALL OF when those before
are met, the next one of an ANY OF when those before are not.
"""

from __future__ import annotations

from collections import Counter

from cds_service.dtr.conditions import Test, all_of, any_of, condition, is_plain
from cds_service.dtr.logic import simplified
from cds_service.dtr.model import Comparison, Conditions, Question, Section
from cds_service.dtr.wording import QuestionMaker, section_text
from cds_service.policies.criteria import criterion_id
from cds_service.policies.model import (
    Connective,
    CriteriaGroup,
    CriteriaNode,
    Criterion,
    PolicyVersion,
    Statement,
)
from cds_service.policies.questions import AddedQuestion

Items = tuple[Section | Question, ...]


def build_items(version: PolicyVersion, statement: Statement) -> Items:
    """The items of a statement's form: scope before criteria; empty when no answer changes the outcome."""
    roots = [
        part
        for tree in (statement.scope, statement.criteria)
        if tree is not None and not isinstance(part := simplified(tree, version.library), bool)
    ]
    if not roots:
        return ()
    builder = _Builder(version, statement, CriteriaGroup(Connective.ALL, tuple(roots)))
    return builder.items()


class _Builder:
    """Builds the items of one form; each question once, where it first occurs."""

    def __init__(self, version: PolicyVersion, statement: Statement, whole: CriteriaGroup) -> None:
        self._version = version
        self._statement = statement
        self._whole = whole
        self._make = QuestionMaker(version)
        counts: Counter[str] = Counter()
        _count(whole, self._make, counts)
        self._repeated = any(number > 1 for number in counts.values())
        self._paths: dict[str, Test] = {}
        self._placed: set[str] = set()
        self._sections: Counter[str] = Counter()
        self._proofs: set[str] | None = None  # documents asked for among the ALL OF at hand

    def items(self) -> Items:
        if self._repeated:
            self._walk_paths(self._whole, True)
        found: list[Section | Question] = []
        for position, root in enumerate(self._whole.children):
            enabled = self._enabled(self._whole, position)
            if isinstance(root, Criterion):
                found += self._questions(root, enabled, negated=False)
            else:
                found += self._section(root, enabled, negated=False)
        return (*found, *self._added(None))

    def _section(self, group: CriteriaGroup, enabled: Test, negated: bool) -> list[Section | Question]:
        inverted = negated is not (group.connective is Connective.NOT)
        proofs = self._proofs
        self._proofs = set(proofs or ()) if group.connective is Connective.ALL else None
        children: list[Section | Question] = []
        for position, child in enumerate(group.children):
            test = self._enabled(group, position)
            if isinstance(child, Criterion):
                children += self._questions(child, test, inverted)
            elif child.connective is Connective.NOT and _is_single(child):
                # "not X" among others: a question as any other, that is wished to be answered with no
                children += self._questions(child.children[0], test, not inverted)  # type: ignore[arg-type]
            else:
                children += self._section(child, test, inverted)
        self._proofs = proofs
        if not children or enabled is False:
            return []
        name, said = group.name or group.connective.value, self._version.questions.group(group.name)
        section = Section(
            link_id=self._section_id(name),
            text=section_text(self._version, group),
            connective=group.connective,
            children=tuple(children),
            cite=group.cite or "",
            enabled=_any_child(children) if self._repeated else condition(enabled),
            administrative=said is not None and said.administrative,
        )
        return [section]

    def _questions(self, criterion: Criterion, enabled: Test, negated: bool) -> list[Question]:
        """The question of a criterion and what follows it: its documents, the author's own."""
        link_id = self._make.link_id(criterion)
        own = self._paths[link_id] if self._repeated else enabled
        if link_id in self._placed or own is False:
            return []
        self._placed.add(link_id)
        question = self._make.question(criterion, condition(own))
        found = [question]
        document = self._make.document(criterion, question, negated)
        if document is not None and document.text not in (self._proofs or ()):
            found.append(document)
            if self._proofs is not None:
                self._proofs.add(document.text)
        return [*found, *self._added(criterion)]

    def _added(self, after: Criterion | None) -> list[Question]:
        name = after.name if after is not None else None
        return [
            self._make.added(each, after)
            for each in self._version.questions.added
            if each.after == name and self._is_here(each)
        ]

    def _is_here(self, added: AddedQuestion) -> bool:
        return added.statement is None or added.statement == self._statement.id

    def _section_id(self, name: str) -> str:
        base = f"section-{criterion_id(name)}"
        self._sections[base] += 1
        return base if self._sections[base] == 1 else f"{base}-{self._sections[base]}"

    # ------------------------------------------------------------------------- when a child is asked

    def _enabled(self, group: CriteriaGroup, position: int) -> Test:
        """When the siblings before a child leave the group open: all of them, or the last one alone.

        Since an answer to a question that is not asked counts as none, the last sibling can only be answered
        after the others; that makes one list of what would be a nest.
        """
        earlier = group.children[:position]
        wished = group.connective is Connective.ALL
        test = all_of(self._settled(child, wished) for child in earlier)
        if is_plain(test) or self._repeated or not earlier:
            return test
        return self._settled_last(earlier[-1], wished)

    def _settled(self, node: CriteriaNode, value: bool) -> Test:
        """When the answers give a node this value."""
        if isinstance(node, Criterion):
            return self._make.test(node, value)
        if node.connective is Connective.NOT:
            value = not value
        parts = [self._settled(child, value) for child in node.children]
        return all_of(parts) if value is (node.connective is Connective.ALL) else any_of(parts)

    def _settled_last(self, node: CriteriaNode, value: bool) -> Test:
        """The same, read off the last answers alone."""
        if isinstance(node, Criterion):
            return self._make.test(node, value)
        if node.connective is Connective.NOT:
            value = not value
        if value is (node.connective is Connective.ALL):
            return self._settled_last(node.children[-1], value)
        return any_of(self._settled_last(child, value) for child in node.children)

    def _walk_paths(self, node: CriteriaNode, above: Test) -> None:
        """Where a question stands in several places: it is asked when any of them is reached."""
        if isinstance(node, Criterion):
            link_id = self._make.link_id(node)
            if link_id in self._paths:
                above = any_of((self._paths[link_id], _without(above, link_id)))
            self._paths[link_id] = above
            return
        wished = node.connective is Connective.ALL
        for position, child in enumerate(node.children):
            earlier = [self._settled(each, wished) for each in node.children[:position]]
            self._walk_paths(child, all_of((above, *earlier)))


def _without(test: Test, link_id: str) -> Test:
    """A condition on other questions only: an answer cannot be what lets its own question be asked."""
    if isinstance(test, bool):
        return test
    if isinstance(test, Comparison):
        return False if test.link_id == link_id else test
    parts = (_without(each, link_id) for each in test.parts)
    return all_of(parts) if test.connective is Connective.ALL else any_of(parts)


def _count(node: CriteriaNode, make: QuestionMaker, counts: Counter[str]) -> None:
    if isinstance(node, Criterion):
        counts[make.link_id(node)] += 1
        return
    for child in node.children:
        _count(child, make, counts)


def _is_single(group: CriteriaGroup) -> bool:
    return len(group.children) == 1 and isinstance(group.children[0], Criterion)


def _any_child(children: list[Section | Question]) -> Comparison | Conditions | None:
    tests = [each.enabled for each in children]
    if any(test is None for test in tests):
        return None
    return condition(any_of(test for test in tests if test is not None))
