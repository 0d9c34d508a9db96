"""Checks of the rules themselves: stale ELM, dangling names, criteria that nobody can read or reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.authoring.exercised import is_constant
from cds_service.authoring.findings import Content, Finding
from cds_service.cql import CompiledLibrary
from cds_service.cql.stamp import StaleElmError, collect_sources, library_name, verify
from cds_service.policies.criteria import criteria_tree, leaves
from cds_service.policies.errors import CatalogueError
from cds_service.policies.files import CatalogueFiles
from cds_service.policies.libraries import load_libraries
from cds_service.policies.model import Criterion


def check_rules(content: Content) -> Iterator[Finding]:
    """All findings about CQL and ELM. What is stale or does not compile hides the findings inside it."""
    files = CatalogueFiles(content.directory)
    stale = list(_stale(files))
    yield from stale
    if stale:
        return
    try:
        libraries = load_libraries(files)
    except CatalogueError as error:
        yield Finding(error.file, error.key, error.message)
        return
    known = {str(data.get("url")) for _, data in content.value_sets()}
    for name, library in libraries.items():
        for local, url in library.value_sets.items():
            if url not in known:
                yield Finding(_source(name), local, f"no file in catalog/value_sets has the URL {url}")
    for name, _ in content.policies():
        elm = name.removesuffix("policy.yaml") + "criteria.elm.json"
        if elm not in libraries:
            yield Finding(name, "library", f"{elm} is missing: run `cds-service rules build`")
            continue
        yield from _policy(content, name, libraries[elm])


def _policy(content: Content, name: str, library: CompiledLibrary) -> Iterator[Finding]:
    source = _source(name.removesuffix("policy.yaml") + "criteria.elm.json")
    roots: list[str] = []
    criteria: dict[str, Criterion] = {}
    for position, statement in enumerate(content.entries(name, "statements")):
        for key in ("conclusion", "applies", "restricted_setting"):
            wanted = statement.get(key)
            if wanted is None:
                continue
            if wanted not in library.definitions:
                place = f"statements[{position}].{key}"
                yield Finding(name, place, f"{wanted!r} is not defined in library {library.name}")
                continue
            roots.append(wanted)
            if key == "conclusion" or (key == "applies" and _is_asked(statement)):
                try:
                    tree = criteria_tree(library, wanted, source)
                except CatalogueError as error:
                    yield Finding(error.file, error.key, error.message)
                else:
                    criteria |= {leaf.name: leaf for leaf in leaves(tree)}
    for criterion in criteria.values():
        yield from _criterion(source, criterion, library)
    reached = _reachable(library, roots)
    for definition in library.definitions:
        if definition not in reached and definition != "Patient":
            yield Finding(source, definition, "no conclusion of policy.yaml reaches this definition")


def _is_asked(statement: Mapping[str, Any]) -> bool:
    """Whether an unknown `applies` is asked of the clinician, criterion by criterion."""
    return statement.get("applies_unknown") == "documentation"


def _criterion(source: str, criterion: Criterion, library: CompiledLibrary) -> Iterator[Finding]:
    if not criterion.cite:
        yield Finding(source, criterion.name, "the criterion has no @cite")
    if not criterion.question and not is_constant(library, criterion.name):
        yield Finding(source, criterion.name, "the criterion has no @question")
    if criterion.answer_type == "quantity" and not criterion.unit:
        yield Finding(source, criterion.name, "a question for a quantity needs @unit")
    fact = library.definitions[criterion.name].tags.get("fact")
    if fact is not None and fact not in names_of(library):
        yield Finding(source, criterion.name, f"@fact names {fact!r}, which is not defined")


def names_of(library: CompiledLibrary) -> set[str]:
    """What an answer can stand for: definitions of the library, and "Alias.Name" of what it includes."""
    included = {f"{alias}.{name}" for alias, one in library.includes.items() for name in one.definitions}
    return included | set(library.definitions)


def _reachable(library: CompiledLibrary, roots: list[str]) -> set[str]:
    """The definitions of the library that `roots` refer to, directly or not."""
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        definition = library.definitions.get(name)
        if definition is not None and name not in reached:
            reached.add(name)
            waiting.extend(_references(definition.elm))
    return reached


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") in ("ExpressionRef", "FunctionRef") and "libraryName" not in node:
            yield str(node["name"])
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _stale(files: CatalogueFiles) -> Iterator[Finding]:
    """Every ELM file that was not made of the sources as they are now."""
    texts: dict[str, tuple[str, str]] = {}
    for pattern in ("common/*.cql", "policies/*/*/*.cql"):
        for name in files.names(pattern):
            text = files.text(name)
            texts[name] = (library_name(text) or "", text)
    sources = dict(texts.values())
    for name, (_, text) in texts.items():
        elm = name.removesuffix(".cql") + ".elm.json"
        if not files.exists(elm):
            yield Finding(name, "", "was never translated: run `cds-service rules build`")
            continue
        try:
            verify(files.json(elm), collect_sources(text, sources.get))
        except StaleElmError as error:
            yield Finding(elm, "", str(error))
        except (CatalogueError, KeyError, TypeError, AttributeError):
            yield Finding(elm, "", "is no ELM library: run `cds-service rules build`")


def _source(elm: str) -> str:
    return elm.removesuffix(".elm.json") + ".cql"
