"""String operators."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators import OPERATORS

CASES: dict[str, tuple[str, tuple[Any, ...], Any]] = {
    "Combine leaves nulls out": ("Combine", (["a", None, "c"], "-"), "a-c"),
    "Combine of nothing is null": ("Combine", ([], None), None),
    "'a' + 'b'": ("Concatenate", ("a", "b"), "ab"),
    "'a' + null is null": ("Concatenate", ("a", None), None),
    "EndsWith": ("EndsWith", ("is the man!!", "n!!"), True),
    "StartsWith minds case": ("StartsWith", ("Breathe", "bre"), False),
    "StartsWith null": ("StartsWith", ("Breathe", None), None),
    "Lower": ("Lower", ("Ab",), "ab"),
    "Upper": ("Upper", ("aB",), "AB"),
    "Matches looks at the whole text": ("Matches", ("circa 2017", r"\d+"), False),
    "Matches lets a dot be a line break": ("Matches", ("a\nb", "a.b"), True),
    "Matches null": ("Matches", ("a", None), None),
    "ReplaceMatches replaces all": ("ReplaceMatches", ("bop she bop", "bop", "bang"), "bang she bang"),
    "ReplaceMatches with an escaped dollar": ("ReplaceMatches", ("a b", r"\s", r"\$"), "a$b"),
    "ReplaceMatches with a group": ("ReplaceMatches", ("2014-05", r"(\d+)-(\d+)", "$2/$1"), "05/2014"),
    "PositionOf": ("PositionOf", ("b", "ab"), 1),
    "PositionOf what is not there": ("PositionOf", ("c", "ab"), -1),
    "LastPositionOf": ("LastPositionOf", ("hi", "Say hi to Ohio!"), 11),
    "Split": ("Split", ("a,b", ","), ["a", "b"]),
    "Split without a separator": ("Split", ("a,b", None), ["a,b"]),
    "SplitOnMatches": ("SplitOnMatches", ("a1b22c", r"\d+"), ["a", "b", "c"]),
    "SplitOnMatches without a pattern": ("SplitOnMatches", ("a1b", None), ["a1b"]),
    "SplitOnMatches of null": ("SplitOnMatches", (None, "a"), None),
    "Split of null": ("Split", (None, ","), None),
    "Substring to the end": ("Substring", ("abc", 1, None), "bc"),
    "Substring of a length": ("Substring", ("abc", 1, 1), "b"),
    "Substring past the end is null": ("Substring", ("ab", 2, None), None),
    "Substring of nothing at 0": ("Substring", ("", 0, None), ""),
    "Length": ("Length", ("ab",), 2),
    "Indexer": ("Indexer", ("ab", 1), "b"),
    "Indexer outside is null": ("Indexer", ("ab", -1), None),
    "ToChars": ("ToChars", ("ab",), ["a", "b"]),
}


@pytest.mark.parametrize(("operator", "operands", "expected"), CASES.values(), ids=CASES.keys())
def test_strings(operator: str, operands: tuple[Any, ...], expected: Any) -> None:
    assert OPERATORS[operator](*operands) == expected


@pytest.mark.parametrize("operator", ["Lower", "Upper", "Length", "ToChars", "Combine"])
def test_null_gives_null(operator: str) -> None:
    assert OPERATORS[operator](None) is None


def test_a_pattern_that_is_none_is_an_error() -> None:
    with pytest.raises(CqlRuntimeError, match="regular expression"):
        OPERATORS["Matches"]("a", "(")


def test_a_group_that_the_pattern_does_not_have_is_an_error() -> None:
    with pytest.raises(CqlRuntimeError, match="no group"):
        OPERATORS["ReplaceMatches"]("a", "a", "$1")
