"""`cds-service clients`: registering a client, seeing who is registered, checking keys and tokens."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from cds_service import cli
from cds_service.hooks.trust.clients_file import read_clients
from tests.hooks.trust.key_server import key_server
from tests.hooks.trust.signing import BASE, ISSUER, claims, key_set, public_jwk, token


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A file with a key set, one key with a private member that should not be there."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [public_jwk("es384-1", d="private"), public_jwk("rsa-1")]}))
    return path


@pytest.mark.parametrize("name", ["clients.toml", "clients.yaml", "new/folder/clients.yml"])
def test_clients_are_added_one_after_the_other(name: str, tmp_path: Path, keys: Path) -> None:
    path = tmp_path / name
    common = ["--file", str(path)]
    first = ["clients", "add", ISSUER, "--jwks", str(keys), "--name", 'The "first"', "--tenant", "north"]
    assert cli.main([*first, "--tenant", "south", "--fhir-base", f"{ISSUER}/fhir", *common]) == 0
    second = ["clients", "add", "https://b.example.org", "--jwks-url", "https://b.example.org/keys"]
    assert cli.main([*second, "--disabled", *common]) == 0
    one, two = read_clients(path).clients
    assert (one.issuer, one.name, one.tenants) == (ISSUER, 'The "first"', ("north", "south"))
    assert one.fhir_bases == (f"{ISSUER}/fhir",)
    assert one.jwks is not None
    assert [each["kid"] for each in one.jwks["keys"]] == ["es384-1", "rsa-1"]
    assert (two.issuer, two.jwks_url, two.enabled) == (
        "https://b.example.org",
        "https://b.example.org/keys",
        False,
    )
    assert '"d"' not in path.read_text()
    assert [each.name for each in path.parent.iterdir() if each.name.endswith(".new")] == []


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("clients.toml", "# ours\n[[clients]]\nissuer = 'https://a'  # first\njwks_url = 'https://a/k'"),
        ("clients.yaml", "# ours\nclients:\n- issuer: https://a  # first\n  jwks_url: https://a/k\n"),
        ("clients.yaml", "# ours\nclients:\n    - issuer: https://a  # first\n      jwks_url: https://a/k"),
    ],
)
def test_what_people_wrote_stays_as_it_is(name: str, written: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(written)
    path.chmod(0o640)
    arguments = ["clients", "add", "https://b", "--jwks-url", "https://b/k", "--file", str(path)]
    assert cli.main(arguments) == 0
    assert path.read_text().startswith(written)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [client.issuer for client in read_clients(path).clients] == ["https://a", "https://b"]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("clients.yaml", "clients: [{issuer: https://a, jwks_url: https://a/k}]\n"),
        ("clients.toml", "clients = [{issuer = 'https://a', jwks_url = 'https://a/k'}]\n"),
    ],
)
def test_where_nothing_can_be_appended_the_text_is_told(
    name: str, written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(written)
    arguments = ["clients", "add", "https://b", "--jwks-url", "https://b/k", "--file", str(path)]
    assert cli.main(arguments) == 2
    assert "add by hand:\n[[clients]]" in capsys.readouterr().err
    assert path.read_text() == written


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["https://a", "--jwks-url", "https://a/k"], "registered more than once"),
        (["https://b", "--jwks-url", "http://b/k"], "must be an https address"),
        (["https://b", "--jwks-file", "none.json"], "cannot be read"),
        (["https://b", "--jwks-url", "https://b/k", "--fhir-base", "ftp://b"], "fhir_bases"),
    ],
)
def test_a_client_that_could_not_be_used_is_not_added(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clients.toml"
    path.write_text("[[clients]]\nissuer = 'https://a'\njwks_url = 'https://a/k'\n")
    before = path.read_text()
    assert cli.main(["clients", "add", *arguments, "--file", str(path)]) == 2
    assert words in capsys.readouterr().err
    assert path.read_text() == before


def test_a_key_file_is_named_as_seen_from_the_file_of_clients(tmp_path: Path, keys: Path) -> None:
    for folder, name in ((tmp_path, "keys.json"), (tmp_path / "elsewhere", str(keys))):
        path = folder / "clients.toml"
        assert cli.main(["clients", "add", ISSUER, "--jwks-file", str(keys), "--file", str(path)]) == 0
        assert f'jwks_file = "{name}"' in path.read_text()
        assert read_clients(path).clients[0].jwks_file == keys


def test_without_a_file_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["clients", "list"]) == 2
    assert "CDS_CLIENTS_FILE" in capsys.readouterr().err


@pytest.fixture
def clients(tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with one client, which the settings name."""
    path = tmp_path / "clients.toml"
    path.write_text(f"[[clients]]\nissuer = '{ISSUER}'\njwks_file = 'keys.json'\ntenants = ['north']\n")
    monkeypatch.setenv("CDS_CLIENTS_FILE", str(path))
    monkeypatch.setenv("CDS_PUBLIC_BASE_URL", BASE)
    return path


def test_clients_are_listed(clients: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["clients", "list"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{ISSUER}  name=-  keys={clients.parent}/keys.json  tenants=north")
    assert told.endswith("enabled\n")


def test_keys_are_checked(clients: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["clients", "check"]) == 0
    assert capsys.readouterr().out == f"{ISSUER}: es384-1 (ES384), rsa-1 (RS384 or RS256)\n"
    (clients.parent / "keys.json").write_text("{}")
    assert cli.main(["clients", "check"]) == 1
    assert "NO KEYS: not a JWK set" in capsys.readouterr().out
    assert cli.main(["clients", "check", "https://other.example.org"]) == 2


def test_keys_at_an_address_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with key_server(tmp_path) as server:
        server.serve_keys(key_set("es384-1"))
        path = tmp_path / "clients.toml"
        path.write_text(f"[[clients]]\nissuer = '{ISSUER}'\njwks_url = '{server.url}'\n")
        monkeypatch.setenv("CDS_JWKS_CA_FILE", str(server.ca_file))
        assert cli.main(["clients", "check", "--file", str(path)]) == 1
        assert "not a public address" in capsys.readouterr().out
        monkeypatch.setenv("CDS_JWKS_PRIVATE_ADDRESSES", "true")
        assert cli.main(["clients", "check", "--file", str(path)]) == 0
        assert capsys.readouterr().out == f"{ISSUER}: es384-1 (ES384)\n"


def test_a_token_is_judged_without_being_shown(
    clients: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = time.time()
    good = token(claims(now, tenant="north", aud=f"{BASE}/cds-services"))
    verdicts = {
        good: "token: accepted; issuer https://ehr.example.org, tenant north, ES384 with key es384-1",
        f"Bearer {good}": "token: accepted",
        token(claims(now, tenant="east")): "REFUSED, CDS-1121",
        token(claims(now, tenant="north", aud="https://elsewhere")): "REFUSED, CDS-1107",
        token(claims(now, iss="https://elsewhere")): "REFUSED, CDS-1103",
        token(claims(now - 9_999, tenant="north")): "REFUSED, CDS-1108",
        "nonsense": "REFUSED, CDS-1101",
    }
    for written, verdict in verdicts.items():
        monkeypatch.setattr("sys.stdin", io.StringIO(written + "\n"))
        assert cli.main(["clients", "check", "--token", "-"]) == (0 if "accepted" in verdict else 1)
        told = capsys.readouterr()
        assert verdict in told.out
        for part in written.split("."):
            assert part not in told.out + told.err
    file = tmp_path / "token.txt"
    file.write_text(good)
    elsewhere = ["clients", "check", "--token", str(file), "--address", f"{BASE}/cds-services/other"]
    assert cli.main(elsewhere) == 1
    assert "CDS-1107" in capsys.readouterr().out
