"""Questionnaires, libraries and value sets by themselves: read, searched, expanded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from cds_service.dtr import adaptive
from cds_service.dtr.forms import Forms
from cds_service.dtr.model import Form
from cds_service.dtr.package import Packages
from cds_service.dtr.value_sets import NotExpandableError, expand
from cds_service.dtr.versions import DtrVersion
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.policies.value_sets import ValueSets

Resource = dict[str, Any]

KINDS: Final = ("Questionnaire", "Library", "ValueSet")
MOST_CODES: Final = 10_000
"""An expansion of more codes is refused; FHIR calls that too costly."""


class Artifacts:
    """What is on file in the shape of one version of DTR; `base` is that version's endpoint."""

    def __init__(
        self, forms: Forms, packages: Packages, value_sets: ValueSets, version: DtrVersion, base: str
    ) -> None:
        self._forms = forms
        self._packages = packages
        self._value_sets = value_sets
        self._version = version
        self._base = base

    def all(self, kind: str, now: datetime) -> Iterator[Resource]:
        """Every resource of a type; for questionnaires every version, and the adaptive variant after it."""
        if kind == "Questionnaire":
            for form in self._forms:
                yield self._packages.questionnaire(form, self._version)
                yield self._adaptive(form)
        elif kind == "Library":
            for name in self._packages.library_names():
                found = self._packages.library(name, self._version)
                if found is not None:
                    yield found
        else:
            for each in self._value_sets:
                made = self._packages.value_set(each.url, self._version, now)
                if made is not None:
                    yield made

    def read(self, kind: str, identity: str, now: datetime) -> Resource:
        """One resource by its id or the last part of its canonical. Raises RequestError NOT_FOUND."""
        if kind == "Questionnaire":
            if (form := self.form(identity)) is not None:
                return self._packages.questionnaire(form, self._version)
            if identity.endswith(adaptive.SUFFIX):
                variant = self.form(identity.removesuffix(adaptive.SUFFIX))
                if variant is not None:
                    return self._adaptive(variant)
        else:
            for each in self.all(kind, now):
                if identity in (each["id"], each["url"].rpartition("/")[2]):
                    return each
        raise not_found(f"There is no {kind} of this id.")

    def form(self, identity: str) -> Form | None:
        """The form of a Questionnaire's id, or of the id in its canonical."""
        return self._forms.by_id(identity)

    def expansion(
        self, url: str, now: datetime, text: str | None, offset: int, count: int | None
    ) -> Resource:
        """The codes of a value set as of now. Raises RequestError: NOT_FOUND, TOO_COSTLY."""
        try:
            found = expand(self._value_sets, url, now, text, offset, count)
        except NotExpandableError:
            text = "This value set names codes by their beginning, which nobody has listed."
            raise RequestError("CDS-1214", text, ("url",), ErrorKind.TOO_COSTLY) from None
        if found is None:
            raise not_found("There is no value set of this address, or not in this version.", "url")
        listed = len(found["expansion"].get("contains", ()))
        if listed > MOST_CODES:
            text = f"The value set has {listed} codes of these; a filter or count of {MOST_CODES} is needed."
            raise RequestError("CDS-1214", text, ("filter",), ErrorKind.TOO_COSTLY)
        return found

    def _adaptive(self, form: Form) -> Resource:
        standard = self._packages.questionnaire(form, self._version)
        return adaptive.adaptive_search(standard, form, self._version, self._base)


def not_found(text: str, *places: str) -> RequestError:
    """Nothing of this address is on file: 404."""
    return RequestError("CDS-1213", text, places, ErrorKind.NOT_FOUND)
