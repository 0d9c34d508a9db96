"""Values in the sentences that people read: short, and never a dump of the data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.cql.reasons import Why, readable, say
from cds_service.cql.values.quantity import Quantity


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Quantity(Decimal("41.20"), "kg/m2"), "41.20 kg/m2"),
        (Quantity(Decimal(36), "{tablets}"), "36 tablets"),
        (Quantity(Decimal(3), "1"), "3"),
        (True, "true"),
        ({"value": 40, "comparator": ">", "unit": "kg/m2"}, "> 40 kg/m2"),
        ({"value": "39", "code": "kg/m2"}, "39 kg/m2"),
        ({"text": "Syncope", "coding": []}, "Syncope"),
        ({"coding": [{"code": "R55"}]}, "something"),
        ([{"text": "a"}, {"text": "b"}], "a, b"),
        ("x" * 500, "x" * 79 + "…"),
        (Decimal(10) ** 300, "1" + "0" * 78 + "…"),
    ],
)
def test_a_value_for_people(value: Any, text: str) -> None:
    assert readable(value, "") == text


def test_what_cannot_be_read_is_named_with_its_value() -> None:
    note = (Why.INVALID, "valueQuantity", {"value": 40, "comparator": ">", "unit": "kg/m2"})
    assert say(note, None) == "valueQuantity holds '> 40 kg/m2', which cannot be read"  # type: ignore[arg-type]
