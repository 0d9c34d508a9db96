"""The rule engine: CQL libraries, as ELM, compiled to Python closures and evaluated with three-valued logic.

It knows no policy, does no I/O, and keeps nothing between evaluations but immutable compiled code.
"""

from cds_service.cql.compiler.definitions import Definition
from cds_service.cql.errors import CompileError, CqlError, CqlRuntimeError
from cds_service.cql.evaluation import (
    CodeSet,
    DataSource,
    Doubt,
    Evaluation,
    EvaluationInput,
    ValueSetSource,
)
from cds_service.cql.library import CompiledLibrary, LibraryRegistry
from cds_service.cql.trace import DefinitionTrace

__all__ = [
    "CodeSet",
    "CompileError",
    "CompiledLibrary",
    "CqlError",
    "CqlRuntimeError",
    "DataSource",
    "Definition",
    "DefinitionTrace",
    "Doubt",
    "Evaluation",
    "EvaluationInput",
    "LibraryRegistry",
    "ValueSetSource",
]
