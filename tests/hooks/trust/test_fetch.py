"""Fetching key sets over https from a server that may do anything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cds_service.hooks.trust.errors import KeysUnavailableError
from cds_service.hooks.trust.fetch import KeyFetcher, is_public
from cds_service.hooks.trust.keys import MOST_BYTES
from tests.hooks.trust.key_server import Behaviour, KeyServer, answer, drip, key_server, silence


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KeyServer]:
    """A key server on loopback."""
    with key_server(tmp_path) as running:
        yield running


def fetcher(server: KeyServer, deadline: float = 5.0) -> KeyFetcher:
    return KeyFetcher(allow_private=True, ca_file=server.ca_file, deadline=deadline)


def test_the_body_of_the_registered_address(server: KeyServer) -> None:
    server.behaviour = answer(b'{"keys": []}')
    assert fetcher(server)(server.url) == b'{"keys": []}'
    assert server.asked == ["/jwks.json"]


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(b"", "302 Found", Location="/elsewhere"),
        answer(b"", "301 Moved Permanently", Location="https://127.0.0.1:1/"),
        answer(b"", "404 Not Found"),
        answer(b"", "500 Internal Server Error"),
        answer(b" " * (MOST_BYTES + 1)),
        lambda connection, stop: connection.sendall(b"nonsense\r\n\r\n"),
        lambda connection, stop: None,
    ],
)
def test_other_answers_are_no_key_set(server: KeyServer, behaviour: Behaviour) -> None:
    server.behaviour = behaviour
    with pytest.raises(KeysUnavailableError):
        fetcher(server)(server.url)
    assert server.asked == ["/jwks.json"], "nothing else was asked for"


@pytest.mark.parametrize("behaviour", [silence, drip])
def test_the_deadline_is_for_everything(server: KeyServer, behaviour: Behaviour) -> None:
    server.behaviour = behaviour
    started = time.monotonic()
    with pytest.raises(KeysUnavailableError):
        fetcher(server, deadline=0.5)(server.url)
    assert time.monotonic() - started < 3


def test_private_addresses_are_refused_before_a_byte_is_sent(server: KeyServer) -> None:
    guarded = KeyFetcher(allow_private=False, ca_file=server.ca_file, deadline=5)
    with pytest.raises(KeysUnavailableError, match="not a public address"):
        guarded(server.url)
    with pytest.raises(KeysUnavailableError, match="not a public address"):
        guarded(server.url.replace("localhost", "127.0.0.1"))
    assert server.asked == []


def test_an_unknown_certificate_is_refused(server: KeyServer) -> None:
    with pytest.raises(KeysUnavailableError, match="SSLError"):
        KeyFetcher(allow_private=True, deadline=5)(server.url)
    assert server.asked == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/k", "file:///etc/hostname", "ftp://127.0.0.1/k", "k"])
def test_only_https(url: str) -> None:
    with pytest.raises(KeysUnavailableError, match="not https"):
        KeyFetcher(allow_private=True)(url)


def test_proxies_and_certificates_of_the_environment_do_not_count(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server.behaviour = answer(b"{}")
    assert fetcher(server)(server.url) == b"{}"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public
