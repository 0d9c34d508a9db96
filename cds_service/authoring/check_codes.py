"""Checks of the code lists: codes that say two things, and codes that stand twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cds_service.authoring.elm_texts import ElmTexts
from cds_service.authoring.findings import Content, Finding
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.policies.model import PolicyVersion, Statement


class _Entry(NamedTuple):
    system: str
    code: str
    prefix: bool

    def covers(self, other: _Entry) -> bool:
        """Whether every code of the other is one of this."""
        return self.system == other.system and (
            self.code == other.code or (self.prefix and other.code.startswith(self.code))
        )


def check_codes(folder: RuleFolder, content: Content) -> Iterator[Finding]:
    """All findings about codes of a folder that loads."""
    lists = {str(data["url"]): (name, _entries(data)) for name, data in content.value_sets()}
    for name, entries in lists.values():
        yield from _covered_twice(name, entries)
    texts = ElmTexts(folder.directory)
    found: set[Finding] = set()
    for version in folder.versions():
        for statement in version.statements:
            found.update(_contradictions(texts, version, statement, lists))
    yield from found


def _covered_twice(name: str, entries: list[_Entry]) -> Iterator[Finding]:
    for each in entries:
        for other in entries:
            if other.prefix and other.code != each.code and other.covers(each):
                text = f"{each.system} {each.code} stands below the prefix {other.code} already"
                yield Finding(name, "codes", text)


def _contradictions(
    texts: ElmTexts,
    version: PolicyVersion,
    statement: Statement,
    lists: Mapping[str, tuple[str, list[_Entry]]],
) -> Iterator[Finding]:
    """Codes of a condition that is not covered which also stand in a list that the criteria look into."""
    refused = {each.value_set: each.name for each in statement.conditions_not_covered if each.value_set}
    used = texts.value_sets(texts.reached(version.library.name, [statement.conclusion]))
    for url, condition in refused.items():
        for other in used:
            if other in refused or other not in lists or url not in lists:
                continue
            name, entries = lists[other]
            for each in entries:
                if any(one.covers(each) or each.covers(one) for one in lists[url][1]):
                    text = (
                        f"{each.system} {each.code} is {condition!r} too, which statement {statement.id} of "
                        f"{version.policy}/{version.version} names as not covered"
                    )
                    yield Finding(name, "codes", text)


def _entries(data: Mapping[str, Any]) -> list[_Entry]:
    return [
        _Entry(str(each["system"]), str(each["code"]), bool(each.get("prefix"))) for each in data["codes"]
    ]
