"""Three-valued logic and the tests for null (CQL 1.5, reference, logical and nullological operators)."""

from __future__ import annotations

from typing import Any


def logical_and(left: bool | None, right: bool | None) -> bool | None:
    """False when either is false, else null when either is null."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def logical_or(left: bool | None, right: bool | None) -> bool | None:
    """True when either is true, else null when either is null."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def logical_not(value: bool | None) -> bool | None:
    """The opposite; null stays null."""
    return None if value is None else not value


def logical_xor(left: bool | None, right: bool | None) -> bool | None:
    """True when exactly one is true; null when either is null."""
    return None if left is None or right is None else left is not right


def implies(left: bool | None, right: bool | None) -> bool | None:
    """Not left, or right."""
    return logical_or(logical_not(left), right)


def is_null(value: Any) -> bool:
    """Whether the value is null."""
    return value is None


def is_true(value: bool | None) -> bool:
    """Whether the value is true: false for null."""
    return value is True


def is_false(value: bool | None) -> bool:
    """Whether the value is false: false for null."""
    return value is False


OPERATORS = {
    "And": logical_and,
    "Or": logical_or,
    "Not": logical_not,
    "Xor": logical_xor,
    "Implies": implies,
    "IsNull": is_null,
    "IsTrue": is_true,
    "IsFalse": is_false,
}
