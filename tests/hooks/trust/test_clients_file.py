"""The file of registered clients: what it may say, and that a change counts without a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cds_service.hooks.trust.clients import Caller
from cds_service.hooks.trust.clients_file import ClientsFile, read_clients
from cds_service.hooks.trust.errors import ClientsFileError
from tests.hooks.trust.signing import key_set

INLINE = json.dumps(key_set("es384-1"))


def written(folder: Path, text: str, name: str = "clients.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_toml_and_yaml_say_the_same(tmp_path: Path) -> None:
    toml = written(
        tmp_path,
        f"""
        [[clients]]
        issuer = "https://a.example.org"
        name = "A"
        jwks = '{INLINE}'
        tenants = ["t1", "t2"]
        fhir_bases = ["https://a.example.org/fhir/"]
        [[clients]]
        issuer = "https://b.example.org"
        jwks_url = "https://b.example.org/jwks.json"
        enabled = false
        """,
    )
    yaml = written(
        tmp_path,
        f"""
clients:
  - issuer: https://a.example.org
    name: A
    jwks: {INLINE}
    tenants: [t1, t2]
    fhir_bases: ["https://a.example.org/fhir/"]
  - issuer: https://b.example.org
    jwks_url: https://b.example.org/jwks.json
    enabled: false
""",
        "clients.yaml",
    )
    said = [
        [
            (c.issuer, c.name, c.jwks, c.jwks_url, c.tenants, c.fhir_bases, c.enabled)
            for c in read_clients(path).clients
        ]
        for path in (toml, yaml)
    ]
    assert said[0] == said[1]
    assert said[0][0][4:] == (("t1", "t2"), ("https://a.example.org/fhir",), True)


def test_a_key_file_is_meant_relative_to_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[[clients]]\nissuer = "https://a"\njwks_file = "keys/a.json"')
    assert read_clients(path).clients[0].jwks_file == tmp_path / "keys" / "a.json"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "one list named clients"),
        ("clients = []", "no client in this file"),
        ("clients = 1", "one list named clients"),
        ("clients = [1]", "client 1: expected names and values"),
        ("client = []", "one list named clients"),
        ("[[clients]", "not TOML"),
        ('[[clients]]\njwks_url = "https://a/k"', "client 1: issuer is missing"),
        ('[[clients]]\nissuer = ""\njwks_url = "https://a/k"', "issuer must be text"),
        ('[[clients]]\nissuer = "https://a"', "exactly one of"),
        ('[[clients]]\nissuer = "https://a"\njwks_url = "https://a/k"\njwks_file = "k"', "exactly one of"),
        ('[[clients]]\nissuer = "https://a"\njwks_url = "http://a/k"', "must be an https address"),
        ('[[clients]]\nissuer = "https://a"\njwks_url = "https://u:p@a/k"', "not an address"),
        ('[[clients]]\nissuer = "https://a"\njwks_url = "https://a/k#x"', "not an address"),
        ('[[clients]]\nissuer = "https://a"\njwks_url = "https://[::1/k"', "not an address"),
        ('[[clients]]\nissuer = "https://a"\njwks = "{"', "jwks is not JSON"),
        ('[[clients]]\nissuer = "https://a"\njwks = "[]"', "must be a JWK set"),
        ('[[clients]]\nissuer = "https://a"\njwks_file = "k"\ntenants = "t"', "tenants must be a list"),
        ('[[clients]]\nissuer = "https://a"\njwks_file = "k"\nenabled = "no"', "must be true or false"),
        ('[[clients]]\nissuer = "https://a"\njwks_file = "k"\nfhir_bases = ["ftp://a"]', "fhir_bases"),
        ('[[clients]]\nissuer = "https://a"\njwks_file = "k"\ntennants = []', "unknown: tennants"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ClientsFileError, match=reason):
        read_clients(written(tmp_path, text))


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClientsFileError, match="cannot be read"):
        read_clients(tmp_path / "none.toml")
    with pytest.raises(ClientsFileError, match="must end in"):
        read_clients(written(tmp_path, "{}", "clients.json"))
    with pytest.raises(ClientsFileError, match=r"not YAML \(line 2\)"):
        read_clients(written(tmp_path, "clients:\n  - a: [", "clients.yml"))


def entry(issuer: str, *tenants: str, enabled: bool = True) -> str:
    return (
        f"[[clients]]\nissuer = '{issuer}'\njwks_file = 'k'\ntenants = {list(tenants)}\n"
        f"enabled = {str(enabled).lower()}\n"
    )


def test_an_issuer_of_several_tenants_has_an_entry_for_each(tmp_path: Path) -> None:
    path = written(tmp_path, entry("https://a", "t1") + entry("https://a", "t2", "t3"))
    registry = read_clients(path)
    first, second = registry.clients
    assert registry.find("https://a", "t1") == (first, True)
    assert registry.find("https://a", "t3") == (second, True)
    assert registry.find("https://a", "t4") == (first, False)
    assert registry.find("https://a", None) == (first, False)
    assert registry.find("https://b", "t1") == (None, False)
    assert registry.find(["https://a"], "t1") == (None, False)


@pytest.mark.parametrize("second", [entry("https://a", "t1"), entry("https://a")])
def test_two_entries_may_not_answer_for_the_same_token(tmp_path: Path, second: str) -> None:
    with pytest.raises(ClientsFileError, match="more than once"):
        read_clients(written(tmp_path, entry("https://a", "t1") + second))


def test_a_client_without_tenants_speaks_for_any(tmp_path: Path) -> None:
    registry = read_clients(written(tmp_path, entry("https://a")))
    assert [registry.find("https://a", tenant)[1] for tenant in (None, "t", ["x"])] == [True] * 3


def test_a_change_counts_after_five_seconds_and_a_broken_one_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, entry("https://a"))
    now = [0.0]
    clients = ClientsFile(path, lambda: now[0])
    assert [each.issuer for each in clients.current().clients] == ["https://a"]
    path.write_text(entry("https://a") + entry("https://b"))
    now[0] = 4.9
    assert len(clients.current().clients) == 1
    now[0] = 5.0
    assert len(clients.current().clients) == 2
    path.write_text("[[clients]")
    now[0] = 10.0
    assert len(clients.current().clients) == 2
    now[0] = 15.0
    clients.current()
    assert [record.message for record in caplog.records].count("the clients stay as they were") == 1
    path.write_text(entry("https://c"))
    now[0] = 20.0
    assert [each.issuer for each in clients.current().clients] == ["https://c"]


def test_a_changed_key_file_is_a_change(tmp_path: Path) -> None:
    path, keys = written(tmp_path, entry("https://a")), written(tmp_path, "{}", "k")
    now = [0.0]
    clients = ClientsFile(path, lambda: now[0])
    before = clients.current()
    now[0] = 5.0
    assert clients.current() is before
    keys.write_text(INLINE)
    now[0] = 10.0
    assert clients.current() is not before


def test_the_fhir_bases_of_a_caller_are_compared_whole() -> None:
    caller = Caller("https://a", fhir_bases=("https://a.example.org/fhir",))
    assert caller.may_use("https://a.example.org/fhir/")
    for other in ("https://a.example.org", "https://a.example.org/fhir/x", "https://a.example.org/fhir@evil"):
        assert not caller.may_use(other)
    assert not Caller("https://a").may_use("https://a.example.org/fhir")
