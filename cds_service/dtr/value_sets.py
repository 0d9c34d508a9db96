"""ValueSet resources of our code lists: definition, and expansion as of a day."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cds_service.dtr.versions import DtrVersion
from cds_service.policies.value_sets import Member, ValueSet, ValueSets

Resource = dict[str, Any]


def value_set_version(value_set: ValueSet) -> str:
    """The version of a code list: equal content, equal version."""
    text = "\n".join(f"{each.system} {each.code} {each.prefix}" for each in sorted(value_set.members))
    digest = hashlib.blake2b(f"{value_set.release}\n{text}".encode(), digest_size=4)
    return digest.hexdigest()


def value_set_canonical(value_set: ValueSet) -> str:
    """The address of a code list with its version."""
    return f"{value_set.url}|{value_set_version(value_set)}"


def value_set_resource(value_set: ValueSet) -> Resource:
    """The definition of a code list as a ValueSet, without expansion; `compose` holds prefixes as filters."""
    release = value_set.release
    notes = [f"Source: {' '.join(value_set.source.split())}"]
    if release is not None:
        notes.append(f"Codes below a prefix are listed by the ICD-10-CM release {release}.")
    return {
        "resourceType": "ValueSet",
        "id": value_set.id,
        "url": value_set.url,
        "version": value_set_version(value_set),
        "name": "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", value_set.id)),
        "title": value_set.title,
        "status": "active",
        "experimental": False,
        "description": " ".join(notes),
        "compose": {"include": _included(value_set.members)},
    }


def packaged(value_set: ValueSet, version: DtrVersion, now: datetime) -> Resource:
    """The ValueSet of a package: expanded, unless the version leaves big ones to `$expand`."""
    resource = value_set_resource(value_set)
    codes = value_set.expansion
    limit = version.expansion_limit
    if codes is not None and (limit is None or len(codes) < limit):
        resource["expansion"] = _expansion(codes, len(codes), now)
    return resource


class NotExpandableError(Exception):
    """A code list whose prefixes nobody has expanded; names it."""


def expand(
    value_sets: ValueSets,
    url: str,
    now: datetime,
    text: str | None = None,
    offset: int = 0,
    count: int | None = None,
) -> Resource | None:
    """The expansion of a code list as of now, by its address (with or without "|version").

    `text` keeps the codes that contain every word of it in code or display, whatever their case. None when
    the address, or that version of it, is not on file. Raises NotExpandableError. Only active codes are
    listed: the list is that of a release, which holds no retired ones.
    """
    value_set = value_sets.lookup(url)
    wanted = url.partition("|")[2]
    if value_set is None or (wanted and wanted != value_set_version(value_set)):
        return None
    codes = value_set.expansion
    if codes is None:
        raise NotExpandableError(value_set.id)
    found = [each for each in codes if _matches(each, text)]
    page = found[offset:] if count is None else found[offset : offset + count]
    parameters: list[Resource] = []
    if text:
        parameters.append({"name": "filter", "valueString": text})
    if offset:
        parameters.append({"name": "offset", "valueInteger": offset})
    if count is not None:
        parameters.append({"name": "count", "valueInteger": count})
    parameters.append({"name": "activeOnly", "valueBoolean": True})
    expansion = _expansion(page, len(found), now) | {"parameter": parameters}
    return value_set_resource(value_set) | {
        "expansion": expansion | ({"offset": offset} if offset or count is not None else {})
    }


def _matches(member: Member, text: str | None) -> bool:
    if not text:
        return True
    searched = f"{member.code} {member.display}".casefold()
    return all(word in searched for word in text.casefold().split())


def _included(members: Iterable[Member]) -> list[Resource]:
    """One include per system for its codes, and one per prefix: filters of one include must all hold."""
    concepts: dict[str, list[Resource]] = {}
    filters: list[Resource] = []
    for each in members:
        if each.prefix:
            pattern = f"{re.escape(each.code)}.*"
            only = {"property": "code", "op": "regex", "value": pattern}
            filters.append({"system": each.system, "filter": [only]})
        else:
            concepts.setdefault(each.system, []).append(_concept(each))
    return [{"system": system, "concept": listed} for system, listed in concepts.items()] + filters


def _concept(member: Member) -> Resource:
    return {"code": member.code, "display": member.display} if member.display else {"code": member.code}


def _expansion(codes: Iterable[Member], total: int, now: datetime) -> Resource:
    contains = [{"system": each.system} | _concept(each) for each in codes]
    return {
        "timestamp": now.isoformat(timespec="seconds"),
        "total": total,
        **({"contains": contains} if contains else {}),
    }
