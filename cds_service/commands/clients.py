"""`cds-service clients add|list|check`: who may call."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from cds_service.commands.errors import CommandError
from cds_service.hooks.discovery import services
from cds_service.hooks.errors import RequestError
from cds_service.hooks.trust.add_client import add_client
from cds_service.hooks.trust.audiences import ROOT, audiences
from cds_service.hooks.trust.authentication import verified_claims
from cds_service.hooks.trust.clients import Client, Registry
from cds_service.hooks.trust.clients_file import read_clients
from cds_service.hooks.trust.errors import KeysUnavailableError, refused
from cds_service.hooks.trust.key_ring import KeyRing
from cds_service.hooks.trust.keys import VerificationKey, read_key_file, read_key_set
from cds_service.hooks.trust.tokens import read_bearer, read_unverified
from cds_service.hooks.trust.wiring import fetcher, token_rules
from cds_service.settings import Settings


def run(options: argparse.Namespace) -> int:
    """Run one of the three commands on the file of clients."""
    settings = Settings.from_environment()
    path: Path | None = options.file or settings.clients_file
    if path is None:
        raise CommandError("no file of clients: set CDS_CLIENTS_FILE, or give --file")
    if options.action == "add":
        return _add(path, options)
    registry = read_clients(path)
    if options.action == "list":
        sys.stdout.write("".join(f"{_described(client)}\n" for client in registry.clients))
        return 0
    return _check(registry, settings, options)


def _add(path: Path, options: argparse.Namespace) -> int:
    entry: dict[str, Any] = {"issuer": options.issuer}
    if options.name:
        entry["name"] = options.name
    try:
        if options.jwks_url:
            entry["jwks_url"] = options.jwks_url
        elif options.jwks_file:
            read_key_file(options.jwks_file)
            entry["jwks_file"] = _seen_from(path.parent.resolve(), options.jwks_file.resolve())
        else:
            keys = read_key_file(options.jwks)
            entry["jwks"] = _public_members(json.loads(options.jwks.read_bytes()), keys)
    except KeysUnavailableError as error:
        raise CommandError(str(error)) from None
    for name, values in (("tenants", options.tenant), ("fhir_bases", options.fhir_base)):
        if values:
            entry[name] = values
    if options.disabled:
        entry["enabled"] = False
    text = {**entry, "jwks": json.dumps(entry["jwks"])} if "jwks" in entry else entry
    add_client(path, text)
    sys.stdout.write(f"{path}: {options.issuer} added\n")
    if options.jwks_url:
        sys.stdout.write(f"Fetch its keys once: cds-service clients check {options.issuer}\n")
    return 0


def _seen_from(folder: Path, file: Path) -> str:
    """How the file of clients names a key file: relative when it lies beside or below."""
    return str(file.relative_to(folder) if file.is_relative_to(folder) else file)


def _public_members(content: dict[str, Any], keys: tuple[VerificationKey, ...]) -> dict[str, Any]:
    """The usable keys of a set, without any private member that should not have been there."""
    names = {key.key_id for key in keys}
    kept = ("kty", "kid", "use", "alg", "crv", "x", "y", "n", "e")
    entries = [each for each in content["keys"] if isinstance(each, dict) and each.get("kid") in names]
    return {"keys": [{name: each[name] for name in kept if name in each} for each in entries]}


def _described(client: Client) -> str:
    """One client in a line."""
    keys = client.jwks_url or (str(client.jwks_file) if client.jwks_file else "in the file")
    return "  ".join(
        [
            client.issuer,
            f"name={client.name or '-'}",
            f"keys={keys}",
            f"tenants={','.join(client.tenants) or 'any'}",
            f"fhir={','.join(client.fhir_bases) or '-'}",
            "enabled" if client.enabled else "DISABLED",
        ]
    )


def _check(registry: Registry, settings: Settings, options: argparse.Namespace) -> int:
    chosen = [each for each in registry.clients if options.issuer in (None, each.issuer)]
    if not chosen:
        raise CommandError(f"{options.issuer} is not registered")
    failed = 0
    for client in chosen:
        state = "" if client.enabled else " (DISABLED)"
        try:
            keys = _keys(client, settings)
        except KeysUnavailableError as error:
            failed += 1
            sys.stdout.write(f"{client.issuer}{state}: NO KEYS: {error}\n")
            continue
        words = ", ".join(f"{key.key_id} ({' or '.join(key.algorithms)})" for key in keys)
        sys.stdout.write(f"{client.issuer}{state}: {words}\n")
    if options.token:
        failed += _check_token(registry, settings, options)
    return 1 if failed else 0


def _keys(client: Client, settings: Settings) -> tuple[VerificationKey, ...]:
    if client.jwks_url:
        return read_key_set(fetcher(settings)(client.jwks_url))
    return read_key_file(client.jwks_file) if client.jwks_file else read_key_set(client.jwks or {})


def _check_token(registry: Registry, settings: Settings, options: argparse.Namespace) -> int:
    """Say whether a token would be accepted now, and why not; it is not used up, and never shown."""
    rules = token_rules(settings, settings.public_base_url or f"http://{settings.host}:{settings.port}")
    written = sys.stdin.read() if str(options.token) == "-" else _read(options.token)
    try:
        bearer = read_bearer(f"Bearer {written.strip().removeprefix('Bearer ')}")
        token = read_unverified(bearer, rules.algorithms)
        client, is_of_tenant = registry.find(token.issuer, token.tenant)
        if client is None:
            raise refused("CDS-1103")
        accepted = {options.address} if options.address else _addresses(rules.bases)
        claims = verified_claims(token, client, KeyRing(fetcher(settings)), rules, accepted, time.time())
        if not client.enabled:
            raise refused("CDS-1120")
        if not is_of_tenant:
            raise refused("CDS-1121")
    except RequestError as error:
        sys.stdout.write(f"token: REFUSED, {error.code}: {error.message}\n")
        return 1
    seconds = round(claims.expires_at - time.time())
    sys.stdout.write(
        f"token: accepted; issuer {claims.issuer}, tenant {claims.tenant or '-'}, {token.algorithm} with key "
        f"{token.key_id}, expires in {seconds} s\n"
    )
    return 0


def _addresses(bases: tuple[str, ...]) -> set[str]:
    """Every address of this service that a token may be for."""
    paths = [ROOT, *(f"{ROOT}/{name}{end}" for name in services() for end in ("", "/feedback"))]
    return {address for path in paths for address in audiences(bases, path)}


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        raise CommandError(f"{path}: cannot be read") from None
