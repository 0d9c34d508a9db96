"""Library resources: the CQL that decides, its ELM, what it depends on, and the data that a form needs."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from cds_service.cql import CompiledLibrary
from cds_service.dtr.model import Form
from cds_service.dtr.reach import Reach, Retrieve, reach
from cds_service.dtr.value_sets import value_set_canonical
from cds_service.dtr.versions import DtrVersion
from cds_service.policies.libraries import LibrarySource
from cds_service.policies.value_sets import ValueSets

PATH: Final = "/fhir/dtr/Library"
PROFILE: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-library"
SEMVER: Final[Mapping[str, Any]] = {
    "url": "http://hl7.org/fhir/StructureDefinition/artifact-versionAlgorithm",
    "valueCoding": {"system": "http://hl7.org/fhir/version-algorithm", "code": "semver"},
}
_LOGIC: Final = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/library-type",
            "code": "logic-library",
            "display": "Logic Library",
        }
    ]
}
# What the service's own tools read of ELM and no engine needs.
_FOR_PEOPLE: Final = frozenset({"annotation", "localId", "locator"})

Resource = dict[str, Any]


def library_id(name: str, version: str) -> str:
    """The id of a Library resource."""
    return f"{name}-{version}"


class Libraries:
    """The Library resources of a catalogue; contents are encoded once."""

    def __init__(self, sources: Mapping[str, LibrarySource], value_sets: ValueSets, base_url: str) -> None:
        self._sources = sources
        self._value_sets = value_sets
        self._base_url = base_url
        self._contents = {name: list(_contents(source)) for name, source in sources.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def url(self, name: str) -> str:
        """The canonical of a library, without version."""
        return f"{self._base_url}{PATH}/{name}"

    def canonical(self, name: str, version: DtrVersion) -> str:
        """The address by which entries of a package name a library."""
        return f"{self.url(name)}|{self.version(name)}" if version.versioned_references else self.url(name)

    def version(self, name: str) -> str:
        """The version of a library's text."""
        return self._sources[name].version

    def closure(self, library: CompiledLibrary) -> tuple[CompiledLibrary, ...]:
        """A library and all that it includes, each once, includes after those that need them."""
        found: dict[str, CompiledLibrary] = {}

        def visit(one: CompiledLibrary) -> None:
            found.pop(one.name, None)
            found[one.name] = one
            for each in one.includes.values():
                visit(each)

        visit(library)
        return tuple(found.values())

    def resource(
        self, library: CompiledLibrary, version: DtrVersion, needs: Iterable[Retrieve] = ()
    ) -> Resource:
        """One Library, with what has to be read for the questions at hand as its `dataRequirement`."""
        included = [self.canonical(each.name, version) for each in library.includes.values()]
        wanted = {each._replace(library=""): None for each in needs}
        requirements = [self._requirement(each, version) for each in wanted]
        return {
            "resourceType": "Library",
            "id": library_id(library.name, self.version(library.name)),
            "meta": {"profile": [PROFILE]},
            "extension": [dict(SEMVER)],
            "url": self.url(library.name),
            "version": self.version(library.name),
            "name": library.name,
            "title": library.name,
            "status": "active",
            "experimental": False,
            "type": _LOGIC,
            "subjectCodeableConcept": {
                "coding": [{"system": "http://hl7.org/fhir/resource-types", "code": "Patient"}]
            },
            **_listed("relatedArtifact", [{"type": "depends-on", "resource": each} for each in included]),
            **_listed("dataRequirement", requirements),
            "content": self._contents[library.name],
        }

    def _requirement(self, retrieve: Retrieve, version: DtrVersion) -> Resource:
        found: Resource = {
            "type": retrieve.type,
            "profile": [f"http://hl7.org/fhir/StructureDefinition/{retrieve.type}"],
        }
        only: Resource = {"path": retrieve.path} if retrieve.path else {}
        if retrieve.value_set is not None:
            value_set = self._value_sets.lookup(retrieve.value_set)
            named = value_set_canonical(value_set) if value_set and version.versioned_references else None
            only["valueSet"] = named or retrieve.value_set
        if retrieve.codes:
            only["code"] = [
                {"system": system, "code": code, **({"display": display} if display else {})}
                for system, code, display in retrieve.codes
            ]
        return found | ({"codeFilter": [only]} if only else {})


def needs(form: Form, library: CompiledLibrary) -> Reach:
    """What the definitions that prefill a form read; `library` is the one that decides."""
    wanted: dict[str, list[str]] = {}
    for question in form.questions():
        if question.populated_by is not None:
            wanted.setdefault(question.populated_by.library, []).append(question.populated_by.definition)
    owners = {each.name: each for each in [library, *library.includes.values()]}
    parts = [reach(owners[name], definitions) for name, definitions in wanted.items()]
    return Reach(
        tuple(dict.fromkeys(each for part in parts for each in part.retrieves)),
        tuple(dict.fromkeys(each for part in parts for each in part.parameters)),
        tuple(dict.fromkeys(each for part in parts for each in part.value_sets)),
    )


def declared_value_sets(libraries: Iterable[CompiledLibrary]) -> tuple[str, ...]:
    """Addresses of all value sets that some libraries declare, each once."""
    return tuple(dict.fromkeys(url for each in libraries for url in each.value_sets.values()))


def _contents(source: LibrarySource) -> Iterator[Resource]:
    library = orjson.loads(source.elm)["library"]
    kept = {key: value if key == "annotation" else _for_engines(value) for key, value in library.items()}
    elm = orjson.dumps({"library": kept})
    for kind, data in (("text/cql", source.cql.encode()), ("application/elm+json", elm)):
        yield {"contentType": kind, "data": base64.b64encode(data).decode()}


def _for_engines(node: Any) -> Any:
    """ELM without positions and copies of the source, which the CQL beside it has."""
    if isinstance(node, list):
        return [_for_engines(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {key: _for_engines(value) for key, value in node.items() if key not in _FOR_PEOPLE}


def _listed(key: str, values: list[Resource]) -> Resource:
    return {key: values} if values else {}
