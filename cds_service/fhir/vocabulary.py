"""The code lists with which FHIR resources are read; their content comes from the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field

from cds_service.fhir.codes import Coding
from cds_service.fhir.systems import CodeSystems


@dataclass(frozen=True, slots=True)
class SettingCodes:
    """What setting codes say about hospitalization (`catalog/settings.yaml`).

    Encounter classes are (canonical system, code); a class without a system is looked up under "". The
    categories are codes of MedicationRequest.category; `after_stay_categories` are the outpatient ones that
    do not contradict a hospital stay now (the drug is for afterwards or for home). `dispensers` are kinds of
    organizations, (canonical system, code), that hand a drug out but do not give it;
    `administration` are codes of services that give a drug without naming it.
    """

    inpatient_classes: frozenset[tuple[str, str]] = frozenset()
    outpatient_classes: frozenset[tuple[str, str]] = frozenset()
    inpatient_categories: frozenset[str] = frozenset()
    outpatient_categories: frozenset[str] = frozenset()
    after_stay_categories: frozenset[str] = frozenset()
    past_encounter_statuses: frozenset[str] = frozenset()
    void_encounter_statuses: frozenset[str] = frozenset()
    dispensers: frozenset[tuple[str, str]] = frozenset()
    administration: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Code systems and setting codes together: what reading an order needs of the catalogue.

    `listed` are all (canonical system, code) that some list of the catalogue names; None: not known.
    """

    systems: CodeSystems = field(default_factory=CodeSystems)
    settings: SettingCodes = field(default_factory=SettingCodes)
    listed: frozenset[tuple[str, str]] | None = None

    def lists(self, coding: Coding) -> bool:
        """Whether some list of the catalogue names a coding, so that its meaning is known."""
        return self.listed is None or coding[:2] in self.listed
