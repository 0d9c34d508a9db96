"""Reading the YAML files of a rule folder for authors: dates stay text, errors name file and place."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml


class _Loader(yaml.CSafeLoader):
    """YAML without dates as objects (a partial date is text too) and without silently repeated keys."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            line = key_node.start_mark.line + 1
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is given twice (line {line})"
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file. Raises ValueError naming the file and, where known, the line."""
    try:
        return yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ValueError(f"{where}: {error.problem}") from error
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error


@cache
def validator(schema: Path) -> jsonschema.Draft202012Validator:
    """The validator of a JSON schema file."""
    return jsonschema.Draft202012Validator(json.loads(schema.read_bytes()))


def schema_errors(content: Any, schema: Path) -> list[tuple[tuple[str | int, ...], str]]:
    """What is wrong with `content`: path and sentence of each error, in the order of the file."""
    found = sorted(
        validator(schema).iter_errors(content), key=lambda error: [str(p) for p in error.absolute_path]
    )
    return [(tuple(error.absolute_path), _sentence(error)) for error in found]


def _sentence(error: Any) -> str:
    if error.validator == "additionalProperties" and isinstance(error.schema.get("properties"), dict):
        known = error.schema["properties"]
        unknown = [key for key in error.instance if key not in known]
        return f"unknown key {', '.join(map(repr, unknown))}; known are {', '.join(sorted(known))}"
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"missing key {', '.join(map(repr, missing))}"
    if error.validator == "enum":
        return f"{error.instance!r} is not one of {', '.join(map(str, error.validator_value))}"
    return str(error.message)[:300]


def dotted(path: tuple[str | int, ...]) -> str:
    """A place in a YAML file as people write it: observations[0].value"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
