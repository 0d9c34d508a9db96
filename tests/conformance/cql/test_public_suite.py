"""The rule engine against the public CQL suite: no wrong answer, and most of the language."""

from __future__ import annotations

import pytest

from .report import DOCUMENT, percentage, render
from .reviewed import load_reviews
from .run import Result, Verdict, run_suite
from .suite import CORE_FILES, Case, is_available, load_cases, suite_directory

if not is_available():
    pytest.skip(
        f"no public CQL tests at {suite_directory()}: set CQL_TESTS_DIR to a copy of cqframework/cql-tests",
        allow_module_level=True,
    )

CASES = load_cases()


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Every test's result by its id; all are run once."""
    return {each.case.id: each for each in run_suite(CASES)}


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_the_answer_is_right_or_the_expression_is_refused_at_load(
    case: Case, results: dict[str, Result]
) -> None:
    result = results[case.id]
    assert result.verdict in (Verdict.PASSED, Verdict.REFUSED, Verdict.DISPUTED), (
        f"{case.expression}\nexpected: {result.expected}\ngot: {result.detail}"
    )


def test_the_whole_suite_is_there() -> None:
    assert len(CASES) == len({case.id for case in CASES}) >= 1800


def test_at_least_85_percent_of_all_tests_pass(results: dict[str, Result]) -> None:
    assert percentage(results.values()) >= 85


@pytest.mark.parametrize("file", CORE_FILES)
def test_at_least_95_percent_pass_in_the_groups_that_coverage_rules_rest_on(
    file: str, results: dict[str, Result]
) -> None:
    assert percentage(each for each in results.values() if each.case.file == file) >= 95


def test_every_refusal_says_why(results: dict[str, Result]) -> None:
    refused = [each for each in results.values() if each.verdict is Verdict.REFUSED]
    assert [each.case.id for each in refused if not each.detail.partition(": ")[2]] == []


def test_every_reviewed_test_is_still_what_the_review_says(results: dict[str, Result]) -> None:
    expected = {
        name: Verdict.DISPUTED if review.contradicted_by else Verdict.REFUSED
        for name, review in load_reviews().items()
    }
    assert {name: results[name].verdict for name in expected} == expected


def test_what_the_suite_contradicts_is_proven_by_tests_that_pass(results: dict[str, Result]) -> None:
    disputed = [name for name, result in results.items() if result.verdict is Verdict.DISPUTED]
    proofs = [load_reviews()[name].contradicted_by for name in disputed]
    assert all(proofs)
    assert {results[name].verdict for names in proofs for name in names} <= {Verdict.PASSED}


def test_the_published_table_is_current(results: dict[str, Result]) -> None:
    assert DOCUMENT.read_text("utf-8") == render(list(results.values())), (
        "run python -m tests.conformance.cql.report"
    )
