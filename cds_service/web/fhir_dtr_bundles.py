"""The Bundles of an answer to $questionnaire-package: each form with its draft, or its adaptive variant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cds_service.coverage_check.documentation import Documentation
from cds_service.coverage_check.open_documentation import OpenDocumentation
from cds_service.dtr import adaptive
from cds_service.dtr.model import Form
from cds_service.dtr.responses import Subject, draft
from cds_service.dtr.versions import DtrVersion
from cds_service.web.fhir_dtr_conclusion import marked
from cds_service.web.fhir_dtr_metadata import base_of
from cds_service.web.services import Services


@dataclass(slots=True)
class Wanted:
    """One form to package: with its decided order, or only asked for by name; `adaptive` is its variant.

    `others` are further orders that the same form is for.
    """

    form: Form
    opened: OpenDocumentation | None = None
    adaptive: bool = False
    others: list[OpenDocumentation] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The same for all versions of a form."""
        return self.form.id + (adaptive.SUFFIX if self.adaptive else "")


class PackageBundles:
    """Makes the Bundles of one call."""

    def __init__(
        self, here: Services, documentation: Documentation, version: DtrVersion, now: datetime
    ) -> None:
        self._here = here
        _, self._packages = here.of_forms()
        self._documentation = documentation
        self._version = version
        self._now = now
        self._base = base_of(here.public_base_url, version)

    def bundle(self, wanted: Wanted, subject: Subject | None) -> dict[str, Any]:
        """The package of one form; `subject` is whom it is about, where no decided order tells."""
        form, version = wanted.form, self._version
        response = self._response(wanted, subject)
        _name_logically(response)
        if not wanted.adaptive:
            return self._packages.bundle(form, version, response, self._now)
        standard = self._packages.questionnaire(form, version)
        response = adaptive.first_response(response, standard, form, version, self._base)
        opened = wanted.opened
        if version.coverage_information and opened is not None and opened.stored and not wanted.others:
            response = marked(response, opened, self._here, self._now)
        questionnaire = adaptive.adaptive_search(standard, form, version, self._base)
        return self._packages.bundle(form, version, response, self._now, questionnaire)

    def _response(self, wanted: Wanted, subject: Subject | None) -> dict[str, Any]:
        """The draft: what is known of the one order it is for; of several orders, only whose they are."""
        if wanted.opened is None:
            if subject is None:
                raise ValueError("a form without order needs a subject")
            return draft(wanted.form, self._version, subject, {}, self._now)
        if not wanted.others:
            return self._documentation.draft_response(wanted.opened, wanted.form, self._version)
        found = draft(wanted.form, self._version, wanted.opened.subject, {}, self._now)
        for each in wanted.others:
            link = {
                "url": self._version.context_extension,
                "valueReference": {"reference": each.subject.order},
            }
            found["extension"] = [*found["extension"], link]
        return found


def _name_logically(response: Mapping[str, Any]) -> None:
    """What came without id cannot be referred to by address: name its type instead (FHIR R4, Reference)."""
    for reference in _references(response):
        text = reference["reference"]
        if isinstance(text, str) and text.isalpha():
            del reference["reference"]
            reference |= {"type": text, "display": f"{text} of the request"}


def _references(response: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for each in response["extension"]:
        if "valueReference" in each:
            yield each["valueReference"]
