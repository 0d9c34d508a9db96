"""What two versions of a policy say, laid side by side: the policy, its statements, their criteria."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from cds_service.authoring.elm_texts import ElmTexts, bare
from cds_service.policies.criteria import leaves
from cds_service.policies.model import CriteriaNode, Criterion, PolicyVersion, Statement
from cds_service.policies.questions import AddedQuestion, Wording

_POLICY = ("title", "number", "payer", "document", "precertification", "documentation_rule", "notes")
_OWN = ("id", "conclusion", "criteria", "scope")  # compared apart, or the same by construction


def policy_lines(old: PolicyVersion, new: PolicyVersion) -> Iterator[str]:
    """Everything of policy.yaml outside the statements that differs."""
    yield from _changed("in force", _period(old), _period(new))
    for key in _POLICY:
        yield from _changed(key.replace("_", " "), getattr(old, key), getattr(new, key))
    before = {f"{', '.join(sorted(each.billing_codes))} to {each.policy}" for each in old.referrals}
    after = {f"{', '.join(sorted(each.billing_codes))} to {each.policy}" for each in new.referrals}
    yield from _changed("referrals", frozenset(before), frozenset(after))
    was, now = _questions(old), _questions(new)
    for name in {**was, **now}:
        yield from _changed(f"question {name!r}", was.get(name), now.get(name))


def _questions(version: PolicyVersion) -> dict[str, str]:
    """What `questions` says of each criterion, group and added question, in one line."""
    said = version.questions
    found: list[tuple[str, Wording | AddedQuestion]] = [
        *((each.name, each) for each in (*said.criteria, *said.groups)),
        *((each.id, each) for each in said.added),
    ]
    return {name: _words(each) for name, each in found}


def _words(said: Wording | AddedQuestion) -> str:
    choices = [f"{each.display} ({_shown(each.means)})" for each in said.choices]
    return "; ".join(part for part in (said.text, said.help, *choices) if part)


def statement_lines(texts: ElmTexts, old: PolicyVersion, new: PolicyVersion) -> Iterator[str]:
    """Statements removed, added and changed, with their criteria in words."""
    before = {each.id: each for each in old.statements}
    after = {each.id: each for each in new.statements}
    for name in before:
        if name not in after:
            yield f"removed: {before[name].title}{_about(before[name])}"
    for name in after:
        if name not in before:
            yield f"added: {after[name].title}{_about(after[name])}"
            yield from (f"  {line}" for line in _tree(after[name].criteria, 0))
    for name in before:
        if name in after:
            lines = list(_statement(texts, (old, before[name]), (new, after[name])))
            if lines:
                yield f"changed: {after[name].title}"
                yield from (f"  {line}" for line in lines)


def _about(statement: Statement) -> str:
    named = sorted(statement.products | statement.unassigned_codes)
    return f" (decided {', '.join(named)})" if named else ""


Side = tuple[PolicyVersion, Statement]


def _statement(texts: ElmTexts, old: Side, new: Side) -> Iterator[str]:
    before, after = old[1], new[1]
    for key in (name for name in before.__dataclass_fields__ if name not in _OWN):
        yield from _changed(key.replace("_", " "), getattr(before, key), getattr(after, key))
    was, now = list(_tree(before.criteria, 0)), list(_tree(after.criteria, 0))
    moved = list(difflib.unified_diff(was, now, lineterm="", n=1))[2:]
    if moved:
        yield "criteria:"
        yield from (f"  {line}" if not line.startswith("@@") else "  ..." for line in moved)
    first = {leaf.name: leaf for leaf in leaves(before.criteria)}
    for leaf in {leaf.name: leaf for leaf in leaves(after.criteria)}.values():
        if leaf.name in first:
            yield from _criterion(texts, (old[0], first[leaf.name]), (new[0], leaf))


def _criterion(
    texts: ElmTexts, old: tuple[PolicyVersion, Criterion], new: tuple[PolicyVersion, Criterion]
) -> Iterator[str]:
    name = new[1].name
    for key in ("cite", "question", "answer_type", "unit", "documentation"):
        yield from _changed(f"{name}, {key}", getattr(old[1], key), getattr(new[1], key))
    before, after = (_logic(texts, version, name) for version, _ in (old, new))
    if before != after:
        words = [
            " / ".join(
                texts[version.library.name].words(definition["expression"])
                for _, definition in texts[version.library.name].definitions(name)
            )
            for version, _ in (old, new)
        ]
        if words[0] == words[1]:
            yield f"{name}: what it refers to is decided differently"
        else:
            yield f"{name}, logic:"
            yield f"  was {words[0]}"
            yield f"  now {words[1]}"


def _logic(texts: ElmTexts, version: PolicyVersion, name: str) -> set[str]:
    """Everything that a definition comes to, without places."""
    own = version.library.name
    return {
        f"{'' if library == own else library}.{each}: {json.dumps(bare(definition['expression']))}"
        for library, each in texts.reached(own, [name])
        for _, definition in texts[library].definitions(each)
    }


def _tree(node: CriteriaNode, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(node, Criterion):
        yield f"{indent}{node.name}"
        return
    name = f"{node.name}: " if node.name and depth else ""
    yield f"{indent}{name}{node.connective.value.upper()}"
    for child in node.children:
        yield from _tree(child, depth + 1)


def _changed(what: str, old: Any, new: Any) -> Iterator[str]:
    """One line for a value, or one per member that came or went for a collection."""
    if old == new:
        return
    if isinstance(old, frozenset | tuple) and isinstance(new, frozenset | tuple):
        for sign, ours, others in (("-", old, new), ("+", new, old)):
            members = sorted(map(_shown, ours)) if isinstance(ours, frozenset) else list(map(_shown, ours))
            kept = set(map(_shown, others))
            yield from (f"{what}: {sign} {each}" for each in members if each not in kept)
        return
    yield f"{what}: {_shown(old)} -> {_shown(new)}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "per_hours"):
        return f"{value.amount} {value.unit} per {value.per_hours} hours"
    name = getattr(value, "name", None)
    return str(name if name is not None else value)


def _period(version: PolicyVersion) -> str:
    start = f"from {version.effective_from}" if version.effective_from > date.min else "undated"
    return f"{start} to {version.effective_to}" if version.effective_to else start
