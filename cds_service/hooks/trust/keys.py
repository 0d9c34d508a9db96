"""Public keys of a JWK set (RFC 7517), each bound to the one algorithm its type allows here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from jwt import PyJWK, PyJWTError

from cds_service.hooks.trust.errors import KeysUnavailableError

ALGORITHMS: Final = ("RS384", "ES384", "RS256", "ES256")
"""All that can be allowed; CDS Hooks recommends the first two. Never `none`, never a shared secret."""

MOST_BYTES: Final = 65_536
"""Size limit of a key set, wherever it comes from."""

_MOST_KEYS: Final = 100
_LEAST_RSA_BITS: Final = 2_048
_CURVES: Final[dict[str, tuple[str, ...]]] = {"P-384": ("ES384",), "P-256": ("ES256",)}
_PUBLIC_MEMBERS: Final = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y")}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key, under the id the client gave it, and the algorithms it may verify."""

    key_id: str
    algorithms: tuple[str, ...]
    key: Any


class KeySource(Protocol):
    """Where the keys of one client come from."""

    def find(self, key_id: str, algorithm: str) -> VerificationKey | None:
        """The key of this id for this algorithm, or None. Raises KeysUnavailableError."""


class FixedKeys:
    """Keys that are known once and for all: inline, or from a file."""

    def __init__(self, keys: Sequence[VerificationKey]) -> None:
        self._keys = tuple(keys)

    def find(self, key_id: str, algorithm: str) -> VerificationKey | None:
        """The key of this id for this algorithm, or None."""
        return choose(self._keys, key_id, algorithm)


class NoKeys:
    """Keys that should be at hand and cannot be used, until the client's entry or its key file changes."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def find(self, key_id: str, algorithm: str) -> VerificationKey | None:
        """Raises KeysUnavailableError."""
        raise KeysUnavailableError(self._reason)


def choose(keys: Sequence[VerificationKey], key_id: str, algorithm: str) -> VerificationKey | None:
    """The key of this id whose type allows this algorithm."""
    return next((key for key in keys if key.key_id == key_id and algorithm in key.algorithms), None)


def read_key_file(path: Path) -> tuple[VerificationKey, ...]:
    """The keys of a JWK set in a file; raises KeysUnavailableError."""
    try:
        with path.open("rb") as file:
            return read_key_set(file.read(MOST_BYTES + 1))
    except OSError as error:
        raise KeysUnavailableError(f"{path}: cannot be read ({type(error).__name__})") from None


def read_key_set(content: bytes | Mapping[str, Any]) -> tuple[VerificationKey, ...]:
    """The usable signature keys of a JWK set; raises KeysUnavailableError when there are none.

    Keys of other uses, types or sizes are passed over, as RFC 7517 section 5 asks; of a private key only
    the public members are looked at.
    """
    if isinstance(content, bytes):
        if len(content) > MOST_BYTES:
            raise KeysUnavailableError(f"the key set is larger than {MOST_BYTES} bytes")
        try:
            content = json.loads(content)
        except (ValueError, RecursionError):
            raise KeysUnavailableError("the key set is not JSON") from None
    entries = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise KeysUnavailableError("not a JWK set: no list of keys")
    keys = [key for entry in entries[:_MOST_KEYS] if (key := _read_key(entry)) is not None]
    if not keys:
        raise KeysUnavailableError("no key in the set can be used (RSA of 2048 bits or more, P-384 or P-256)")
    return tuple(keys)


def _read_key(entry: Any) -> VerificationKey | None:
    if not isinstance(entry, dict) or not _is_for_signatures(entry):
        return None
    kind, key_id = entry.get("kty"), entry.get("kid")
    if not isinstance(kind, str) or kind not in _PUBLIC_MEMBERS or not isinstance(key_id, str) or not key_id:
        return None
    algorithms: tuple[str, ...] = (
        ("RS384", "RS256") if kind == "RSA" else _CURVES.get(str(entry.get("crv")), ())
    )
    if isinstance(named := entry.get("alg"), str):
        algorithms = tuple(each for each in algorithms if each == named)
    if not algorithms:
        return None
    public = {name: entry[name] for name in _PUBLIC_MEMBERS[kind] if name in entry}
    try:
        key = PyJWK(public, algorithm=algorithms[0]).key
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None
    if kind == "RSA" and key.key_size < _LEAST_RSA_BITS:
        return None
    return VerificationKey(key_id, algorithms, key)


def _is_for_signatures(entry: Mapping[str, Any]) -> bool:
    operations = entry.get("key_ops")
    return entry.get("use", "sig") == "sig" and (
        operations is None or (isinstance(operations, list) and "verify" in operations)
    )
