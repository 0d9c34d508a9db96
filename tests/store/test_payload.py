"""Whole requests and answers are readable with the key alone."""

from __future__ import annotations

import pytest

from cds_service.store.errors import StoreConfigurationError, StoreError
from cds_service.store.payload import Payload, PayloadVault, new_key

KEY, NEWER = new_key(), new_key()


@pytest.mark.parametrize(
    ("request_body", "answer"), [(b"asked", b"told"), (b"", b""), (b"x" * 70_000, b"{}")]
)
def test_what_is_sealed_opens_again(request_body: bytes, answer: bytes) -> None:
    vault = PayloadVault([KEY])
    sealed = vault.seal(request_body, answer)
    assert vault.open(sealed) == Payload(request_body, answer)
    assert b"asked" not in sealed


def test_after_a_change_of_keys_old_payloads_open_and_new_ones_use_the_new_key() -> None:
    old = PayloadVault([KEY]).seal(b"old", b"")
    both = PayloadVault([NEWER, KEY])
    assert both.open(old).request == b"old"
    assert PayloadVault([NEWER]).open(both.seal(b"new", b"")).request == b"new"


def test_another_key_opens_nothing() -> None:
    with pytest.raises(StoreError, match="none of the payload keys"):
        PayloadVault([NEWER]).open(PayloadVault([KEY]).seal(b"x", b"y"))


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(StoreConfigurationError, match="32 bytes"):
        PayloadVault(["secret"])
