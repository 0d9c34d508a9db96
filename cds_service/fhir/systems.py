"""Code systems under all the names that clients give them, and codes in one spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.fhir.codes import Coding

# The shape of a HCPCS Level I or II code, followed by any modifiers: J1745, J1745-JW, 96365 59, J1745JZ.
_BILLING_CODE = re.compile(r"([A-Z]\d{4}|\d{4}[0-9A-Z])(?:[\s\-:.,^]*[0-9A-Z]{2})*")
_BILLING_CODE_LENGTH = 5
_LONGEST_CODE = 200  # characters; longer ones are no codes


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """One code system: short name used in our data, canonical URI, other spellings of the URI."""

    id: str
    url: str
    aliases: tuple[str, ...] = ()


def _dotted(code: str) -> str:
    """ICD-10-CM codes carry a dot after the third character; many clients leave it out."""
    code = code.upper()
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 and "." not in code else code


def _without_modifiers(code: str) -> str:
    code = code.upper()
    if len(code) == _BILLING_CODE_LENGTH:
        return code
    match = _BILLING_CODE.fullmatch(code)
    return match.group(1) if match else code


# Systems whose codes clients write in several ways. Codes of other systems are only trimmed.
_SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "act-code": str.upper,
    "role-code": str.upper,
    "nucc": str.upper,
    "medicationrequest-category": str.lower,
    "icd10cm": _dotted,
    "hcpcs": _without_modifiers,
    "cpt": _without_modifiers,
}


def _loose(uri: str) -> str:
    """One key for spellings that differ in scheme, case, trailing slash, version or urn:oid prefix."""
    key = uri.strip().partition("|")[0].rstrip("/").lower()
    for prefix in ("https://", "http://", "urn:oid:"):
        key = key.removeprefix(prefix)
    return key.removeprefix("www.")


class CodeSystems:
    """Normalises code-system URIs and codes; immutable after construction, shared by every thread."""

    def __init__(self, systems: Iterable[CodeSystem] = ()) -> None:
        self._urls: dict[str, str] = {}  # system id -> canonical URI
        self._exact: dict[str, str] = {}  # spelling as listed -> canonical URI
        self._loose: dict[str, str] = {}
        self._spelling: dict[str, Callable[[str], str]] = {}  # canonical URI -> how its codes are spelt
        for system in systems:
            self._urls[system.id] = system.url
            if system.id in _SPELLINGS:
                self._spelling[system.url] = _SPELLINGS[system.id]
            for name in (system.url, *system.aliases):
                self._exact[name] = system.url
                self._loose[_loose(name)] = system.url

    def url(self, system_id: str) -> str | None:
        """Canonical URI of a short name ("rxnorm"); None when the catalogue does not list it."""
        return self._urls.get(system_id)

    def canonical(self, uri: str) -> str:
        """The canonical URI of any known spelling; an unknown URI comes back trimmed."""
        found = self._exact.get(uri)
        if found is None:
            found = self._loose.get(_loose(uri), uri.strip())
        return found

    def code(self, url: str, code: str) -> str:
        """One spelling of a code of the system with canonical URI `url`; billing codes lose modifiers."""
        code = code.strip()
        spelling = self._spelling.get(url)
        return spelling(code) if spelling is not None else code

    def coding(self, value: Mapping[str, Any]) -> Coding | None:
        """A FHIR Coding in normalised form; None when it holds no code. A missing system becomes ""."""
        code, system, display = value.get("code"), value.get("system"), value.get("display")
        if isinstance(code, int) and not isinstance(code, bool):
            code = str(code) if abs(code) < 10**15 else None
        if not isinstance(code, str) or not code or len(code) > _LONGEST_CODE:
            return None
        url = ""
        if isinstance(system, str) and system:
            url = self._exact.get(system) or self.canonical(system)
        code = self.code(url, code)
        return Coding(url, code, display if isinstance(display, str) else None) if code else None
