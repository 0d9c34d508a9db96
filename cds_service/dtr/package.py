"""The package of a form: Questionnaire, libraries, value sets, and the response to begin with."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cds_service.dtr.forms import Forms
from cds_service.dtr.libraries import Libraries, declared_value_sets, needs
from cds_service.dtr.model import Form
from cds_service.dtr.questionnaire import questionnaire
from cds_service.dtr.reach import Retrieve
from cds_service.dtr.value_sets import packaged
from cds_service.dtr.versions import VERSIONS, DtrVersion
from cds_service.policies.catalogue import Catalogue

Resource = dict[str, Any]

_BASE: Final = "/fhir/dtr"


class Packages:
    """Makes packages for the forms of a catalogue. What does not hang on the request is made once a day.

    The resources handed out are shared: nobody may change them.
    """

    def __init__(self, catalogue: Catalogue, forms: Forms, base_url: str) -> None:
        self._catalogue = catalogue
        self._forms = forms
        self._base_url = base_url
        self._libraries = Libraries(catalogue.sources, catalogue.value_sets, base_url)
        self._questionnaires = {
            (version.name, form.canonical): questionnaire(form, version)
            for version in VERSIONS.values()
            for form in forms
        }
        self._entries: dict[tuple[str, str], tuple[str, tuple[Resource, ...]]] = {}
        self._expanded: dict[tuple[str, str], tuple[str, Resource]] = {}

    def questionnaire(self, form: Form, version: DtrVersion) -> Resource:
        """The Questionnaire of a form."""
        return self._questionnaires[(version.name, form.canonical)]

    def bundle(
        self,
        form: Form,
        version: DtrVersion,
        response: Mapping[str, Any],
        now: datetime,
        questionnaire: Resource | None = None,
    ) -> Resource:
        """The package: `response` is the draft; `questionnaire` stands in for the form's own (adaptive)."""
        first = questionnaire if questionnaire is not None else self.questionnaire(form, version)
        draft = dict(response)
        draft.setdefault("id", str(uuid.uuid4()))
        return {
            "resourceType": "Bundle",
            "meta": {"profile": [version.package_profile]},
            "type": "collection",
            "timestamp": now.isoformat(timespec="seconds"),
            "entry": [
                self._entry(first, version),
                *self._of_form(form, version, now),
                {"fullUrl": f"urn:uuid:{_uuid(draft['id'])}", "resource": draft},
            ],
        }

    def libraries(self, form: Form, version: DtrVersion) -> tuple[Resource, ...]:
        """The deciding library of a form and all that it includes, with the data the form needs."""
        library = self._library(form)
        found = []
        reached = needs(form, library)
        for each in self._libraries.closure(library):
            wanted = reached.retrieves if each is library else reached.of(each.name)
            found.append(self._libraries.resource(each, version, wanted))
        return tuple(found)

    def library(self, name: str, version: DtrVersion) -> Resource | None:
        """One library by name, with the data that any form needs of it; None when not on file.

        Fetched alone a library cannot know which form it is for, so it names what all of them need.
        """
        wanted: dict[Retrieve, None] = {}
        found = None
        for form in self._forms:
            deciding = self._library(form)
            for each in self._libraries.closure(deciding):
                if each.name == name:
                    found = each
                    reached = needs(form, deciding)
                    wanted.update(dict.fromkeys(reached.retrieves if each is deciding else reached.of(name)))
        return self._libraries.resource(found, version, wanted) if found is not None else None

    def library_names(self) -> tuple[str, ...]:
        """The libraries that the packages hold."""
        return tuple(
            dict.fromkeys(
                each.name for form in self._forms for each in self._libraries.closure(self._library(form))
            )
        )

    def value_set(self, url: str, version: DtrVersion, now: datetime) -> Resource | None:
        """A value set as packages hold it; expanded as of the day."""
        value_set = self._catalogue.value_sets.lookup(url)
        if value_set is None:
            return None
        key, day = (version.name, value_set.url), now.date().isoformat()
        made = self._expanded.get(key)
        if made is None or made[0] != day:
            made = self._expanded[key] = (day, packaged(value_set, version, now))
        return made[1]

    def _of_form(self, form: Form, version: DtrVersion, now: datetime) -> tuple[Resource, ...]:
        key, day = (version.name, form.canonical), now.date().isoformat()
        made = self._entries.get(key)
        if made is None or made[0] != day:
            closure = self._libraries.closure(self._library(form))
            value_sets = [self.value_set(url, version, now) for url in declared_value_sets(closure)]
            found = [*self.libraries(form, version), *(each for each in value_sets if each is not None)]
            made = self._entries[key] = (day, tuple(self._entry(each, version) for each in found))
        return made[1]

    def _library(self, form: Form) -> Any:
        version = self._catalogue.policy_version(form.policy, form.policy_version)
        if version is None:
            raise LookupError(f"{form.id} is no form of this catalogue")
        return version.library

    def _entry(self, resource: Resource, version: DtrVersion) -> Resource:
        base = f"{self._base_url}{_BASE}/{version.name}"
        return {"fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}", "resource": resource}


def _uuid(identity: str) -> str:
    """A UUID: the response's own id when it is one."""
    try:
        return str(uuid.UUID(identity))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, identity))
