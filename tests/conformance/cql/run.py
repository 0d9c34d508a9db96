"""Running the suite on the engine: every test passes, is refused at load, is wrong, or breaks."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cds_service.cql import CompileError, CqlRuntimeError, EvaluationInput, LibraryRegistry
from cds_service.fhir.availability import Availability

from .compare import as_decimals, same_value
from .elm import Elm, translate_cases
from .reviewed import load_reviews
from .suite import Case

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)


class Verdict(enum.Enum):
    """What became of one test."""

    PASSED = "passed"
    REFUSED = "refused"  # at load, by the translator or by the engine: nobody is given a wrong answer
    DISPUTED = "contradicted by the suite"  # other tests of the suite demand the value that came
    WRONG = "wrong"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Result:
    """One test with its verdict; `detail` says why it was refused, what came instead, or what broke."""

    case: Case
    verdict: Verdict
    detail: str = ""
    expected: str = ""


class NoData:
    """A data source without a patient: the suite needs none."""

    patient: Mapping[str, Any] | None = None

    def resources(self, resource_type: str) -> Sequence[Mapping[str, Any]]:
        """No resources."""
        return ()

    def availability(self, resource_type: str) -> Availability:
        """Everything was looked for."""
        return Availability.EMPTY

    def lookup(self, url: str) -> None:
        """No value sets."""


def run_suite(cases: Iterable[Case]) -> tuple[Result, ...]:
    """Translate and run all tests, in order."""
    cases = tuple(cases)
    elm = translate_cases(cases)
    results = {case.id: _run(case, *elm[case.id]) for case in cases}
    for review in load_reviews().values():
        others = [results[name].verdict for name in review.contradicted_by]
        result = results[review.test]
        if others and set(others) == {Verdict.PASSED} and result.detail == review.value:
            results[review.test] = replace(result, verdict=Verdict.DISPUTED)
    return tuple(results.values())


def _run(case: Case, expression: Elm, output: Elm | None) -> Result:
    if isinstance(expression, str):
        return Result(case, Verdict.PASSED if case.invalid else Verdict.REFUSED, f"translator: {expression}")
    try:
        actual = _value(expression)
    except CompileError as error:
        return Result(case, Verdict.PASSED if case.invalid else Verdict.REFUSED, f"engine: {error.message}")
    except CqlRuntimeError as error:
        expected = case.invalid and _is_deliberate(error)
        return Result(case, Verdict.PASSED if expected else Verdict.ERROR, str(error), case.output or "")
    except Exception as error:
        return Result(case, Verdict.ERROR, f"{type(error).__name__}: {error}", case.output or "")
    if output is None:
        return Result(case, Verdict.WRONG, _shown(actual), "an error")
    if isinstance(output, str):
        return Result(
            case,
            Verdict.WRONG,
            f"{_shown(actual)}, expected output untranslatable: {output}",
            case.output or "",
        )
    try:
        expected = _value(output)
    except (CompileError, CqlRuntimeError) as error:
        return Result(
            case,
            Verdict.WRONG,
            f"{_shown(actual)}, expected output not understood: {error}",
            case.output or "",
        )
    if _is_decimal(expression):  # the suite writes 10 for 10.0; CQL equality would convert it
        expected = as_decimals(expected)
    if same_value(actual, expected):
        return Result(case, Verdict.PASSED)
    return Result(case, Verdict.WRONG, _shown(actual), _shown(expected))


def _value(elm: dict[str, Any]) -> Any:
    nothing = NoData()
    library = LibraryRegistry().add(elm)
    inputs = EvaluationInput(data=nothing, value_sets=nothing, parameters={}, now=NOW)
    return library.evaluate(inputs).value("Value")


def _is_deliberate(error: CqlRuntimeError) -> bool:
    """Whether CQL defines the error; the engine writes the type of an exception that surprised it first."""
    return not error.message.startswith(f"{type(error.__cause__).__name__}: ")


def _is_decimal(elm: dict[str, Any]) -> bool:
    """Whether the translator says that the expression is a Decimal or a list of them."""
    definition = elm["library"]["statements"]["def"][0]
    specifier = definition.get("resultTypeSpecifier", {}).get("elementType", {})
    return "{urn:hl7-org:elm-types:r1}Decimal" in (definition.get("resultTypeName"), specifier.get("name"))


def _shown(value: Any) -> str:
    return f"{value!r}"
