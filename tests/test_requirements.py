"""docs/requirements.md is generated from the markers, and current."""

from __future__ import annotations

from tests.requirements import TABLE, proven, table


def test_the_table_of_requirements_is_current() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(), "run: python -m tests.requirements"


def test_the_primary_promise_of_order_sign_is_proven() -> None:
    assert {"crd-2.2.1@resp-25", "crd-2.2.1@resp-29", "crd-2.2.1@resp-37"} <= proven().keys()
