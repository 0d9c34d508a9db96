"""National Drug Codes in every layout."""

from __future__ import annotations

import pytest

from cds_service.policies.ndc import product_keys


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("00409-1442-02", "004091442"),
        ("0409-1442-02", "004091442"),
        ("00409144202", "004091442"),
        ("14789-011-01", "147890011"),
        ("14789-0011-01", "147890011"),
        ("14789001101", "147890011"),
        ("12345-6789-1", "123456789"),
        ("14789-011", "147890011"),
        ("0409-1442", "004091442"),
        (" 00409-1442-02 ", "004091442"),
        ("004091442", "004091442"),
    ],
)
def test_one_drug_under_every_layout(code: str, key: str) -> None:
    assert product_keys(code) == (key,)


def test_ten_digits_without_hyphens_fit_three_layouts() -> None:
    assert product_keys("0409144202") == ("004091442", "040910442", "040914420")


@pytest.mark.parametrize(
    "code", ["", "J3490", "1-2-3", "123456-789-01", "0409-1442-02-1", "04091442x2", "٠٤٠٩١٤٤٢٠٢٢"]
)
def test_anything_else_is_no_ndc(code: str) -> None:
    assert product_keys(code) == ()
