"""What FHIR R4 itself asks of a resource: its model, the codes of required bindings, nothing empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir.resources.R4B import get_fhir_model_class  # noqa: TID251
from pydantic import ValidationError

from tests.profiles.findings import Finding

Json = dict[str, Any]


def base_findings(resource: Json) -> Iterator[Finding]:
    """The findings of a resource without any profile."""
    kind = str(resource.get("resourceType"))
    try:
        model = get_fhir_model_class(kind)
    except KeyError:
        yield Finding(kind, "type", "is no resource type of FHIR R4")
        return
    try:
        model.model_validate(resource)
    except ValidationError as error:
        for each in error.errors():
            yield Finding(_path(kind, each["loc"]), "base", each["msg"])
    yield from _empty(resource, kind)
    yield from _codes(resource, kind, kind)
    yield from _contained(resource, kind)


def _contained(resource: Json, kind: str) -> Iterator[Finding]:
    """dom-3: what is contained is referred to, or refers to what contains it."""
    used = set(_strings(resource))
    for number, each in enumerate(resource.get("contained") or ()):
        if f"#{each.get('id')}" not in used and "#" not in set(_strings(each)):
            yield Finding(f"{kind}.contained[{number}]", "dom-3", "is contained and never referred to")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(each)


def _path(kind: str, location: tuple[int | str, ...]) -> str:
    text = kind
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text


def _empty(value: Any, path: str) -> Iterator[Finding]:
    """ele-1: every element has a value or children."""
    if value is None or value == "" or value == {} or value == []:
        yield Finding(path, "ele-1", "is empty")
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _empty(each, f"{path}.{name}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            if each is not None:  # null stands for what _name[i] holds
                yield from _empty(each, f"{path}[{number}]")


def _codes(value: Json, kind: str, path: str) -> Iterator[Finding]:
    """Codes outside the required bindings of R4, as far as the models list them."""
    try:
        model = get_fhir_model_class(kind)
    except KeyError:
        return
    fields = {item.alias or name: item for name, item in model.model_fields.items()}
    for name, child in value.items():
        item = fields.get(name)
        if item is None:
            continue
        allowed = _enumerated(item.json_schema_extra)
        of_type = _model_name(item.annotation)
        for number, each in enumerate(child if isinstance(child, list) else [child]):
            place = f"{path}.{name}" + (f"[{number}]" if isinstance(child, list) else "")
            if isinstance(each, str) and allowed and each not in allowed:
                yield Finding(place, "binding", f"{each} is none of {', '.join(allowed)}")
            elif isinstance(each, dict):
                yield from _codes(each, each.get("resourceType") or of_type, place)


def _enumerated(extra: Any) -> list[str]:
    """The codes of a required binding; none when the model lists only some of them ("+")."""
    values = extra.get("enum_values") if isinstance(extra, dict) else None
    return [] if not isinstance(values, list) or "+" in values else [str(each) for each in values]


def _model_name(annotation: Any) -> str:
    """The name of the model behind an annotation such as `List[abc.CodingType | None] | None`."""
    text = str(annotation)
    start = text.find("abc.")
    return text[start + 4 :].split("Type", 1)[0].strip("'\"") if start >= 0 else ""
