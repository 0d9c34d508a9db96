"""Keys at an address: cached, rotated, kept when the address is down, and never fetched in a storm."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from cds_service.hooks.trust.errors import KeysUnavailableError
from cds_service.hooks.trust.remote_keys import COOLDOWN_S, FRESH_S, STALE_S, RemoteKeys
from tests.hooks.trust.signing import key_set

URL = "https://ehr.example.org/jwks.json"


class Address:
    """A key server: what it gives now, how often it was asked, and a clock to turn."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[str] = []
        self.down = False
        self.now = 1_000.0

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.down:
            raise KeysUnavailableError("down")
        return json.dumps(key_set(*self.names)).encode()

    def keys(self) -> RemoteKeys:
        return RemoteKeys(URL, self.fetch, lambda: self.now)


def key_id(found: Any) -> str | None:
    return found.key_id if found else None


def test_keys_are_fetched_once_and_kept() -> None:
    address = Address("es384-1")
    keys = address.keys()
    assert [key_id(keys.find("es384-1", "ES384")) for _ in range(3)] == ["es384-1"] * 3
    assert address.asked == [URL]


def test_keys_are_renewed_when_they_are_old() -> None:
    address = Address("es384-1")
    keys = address.keys()
    keys.find("es384-1", "ES384")
    address.now += FRESH_S + 1
    keys.find("es384-1", "ES384")
    assert len(address.asked) == 2


def test_a_rotated_key_works_at_once_and_the_withdrawn_one_no_more() -> None:
    address = Address("es384-1")
    keys = address.keys()
    assert keys.find("es384-1", "ES384")
    address.names = ("es384-2",)
    address.now += COOLDOWN_S
    assert key_id(keys.find("es384-2", "ES384")) == "es384-2"
    assert keys.find("es384-1", "ES384") is None


def test_unknown_ids_make_one_fetch_in_a_cooldown() -> None:
    address = Address("es384-1")
    keys = address.keys()
    keys.find("es384-1", "ES384")
    address.now += COOLDOWN_S
    assert [keys.find(f"made-up-{number}", "ES384") for number in range(50)] == [None] * 50
    assert len(address.asked) == 2
    address.now += COOLDOWN_S
    keys.find("made-up", "ES384")
    assert len(address.asked) == 3


def test_known_keys_go_on_while_the_address_is_down_but_not_for_ever() -> None:
    address = Address("es384-1")
    keys = address.keys()
    keys.find("es384-1", "ES384")
    address.down = True
    address.now += FRESH_S + 1
    assert key_id(keys.find("es384-1", "ES384")) == "es384-1"
    assert key_id(keys.find("es384-1", "ES384")) == "es384-1"
    assert len(address.asked) == 2, "a failure has its cooldown too"
    address.now += STALE_S
    with pytest.raises(KeysUnavailableError):
        keys.find("es384-1", "ES384")
    address.down = False
    address.now += COOLDOWN_S
    assert keys.find("es384-1", "ES384")


def test_keys_that_were_never_there_are_unavailable() -> None:
    address = Address()
    keys = address.keys()
    for _ in range(2):
        with pytest.raises(KeysUnavailableError):
            keys.find("es384-1", "ES384")
    assert len(address.asked) == 1


def test_a_broken_set_does_not_replace_a_good_one() -> None:
    address = Address("es384-1")
    keys = address.keys()
    keys.find("es384-1", "ES384")
    address.names = ()
    address.now += FRESH_S + 1
    assert keys.find("es384-1", "ES384")


def test_callers_with_a_known_key_do_not_wait_while_another_fetches() -> None:
    address = Address("es384-1")
    keys = address.keys()
    keys.find("es384-1", "ES384")
    address.now += FRESH_S + 1
    fetching, go_on = threading.Event(), threading.Event()
    fetch = address.fetch

    def slow(url: str) -> bytes:
        fetching.set()
        assert go_on.wait(30)
        return fetch(url)

    keys._fetch = slow
    other = threading.Thread(target=keys.find, args=("es384-1", "ES384"))
    other.start()
    assert fetching.wait(30)
    assert key_id(keys.find("es384-1", "ES384")) == "es384-1"
    go_on.set()
    other.join(30)
    assert len(address.asked) == 2
