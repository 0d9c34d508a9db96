"""Loads `catalog/settings.yaml`: which codes mean that a patient is hospitalized, and which that not."""

from __future__ import annotations

from cds_service.fhir.systems import CodeSystems
from cds_service.fhir.vocabulary import SettingCodes
from cds_service.policies.files import CatalogueFiles, Entry

FILE = "catalog/settings.yaml"


def load_setting_codes(files: CatalogueFiles, systems: CodeSystems) -> SettingCodes:
    """The setting codes of a catalogue. Raises CatalogueError for a code that is inpatient and outpatient."""
    entry = files.yaml(FILE)
    classes, categories = entry.entry("encounter_class"), entry.entry("order_category")
    statuses = entry.entry("encounter_status")
    found = SettingCodes(
        inpatient_classes=_class_codes(classes, "inpatient", systems),
        outpatient_classes=_class_codes(classes, "outpatient", systems),
        inpatient_categories=_codes(categories, "inpatient"),
        outpatient_categories=_codes(categories, "outpatient"),
        after_stay_categories=_codes(categories, "after_stay"),
        past_encounter_statuses=frozenset(statuses.texts("past")),
        void_encounter_statuses=frozenset(statuses.texts("void")),
        dispensers=_kinds(entry.optional_entry("dispensers"), systems),
        administration=_kinds(entry.optional_entry("administration"), systems),
    )
    if found.inpatient_classes & found.outpatient_classes:
        classes.fail("outpatient", "has a code that is inpatient too")
    if found.inpatient_categories & found.outpatient_categories:
        categories.fail("outpatient", "has a code that is inpatient too")
    if not found.after_stay_categories <= found.outpatient_categories:
        categories.fail("after_stay", "must be among the outpatient codes")
    return found


def _codes(entry: Entry, key: str) -> frozenset[str]:
    return frozenset(code.lower() for code in entry.texts(key))


def _class_codes(entry: Entry, key: str, systems: CodeSystems) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for item in entry.entries(key, required=True):
        code, system = item.text("code").upper(), item.optional_text("system")
        item.text("display")
        if system is not None:
            url = systems.url(system)
            if url is None:
                item.fail("system", f"{system!r} is not in catalog/code_systems.yaml")
            found.add((url, code))
        found.add(("", code))  # clients leave the system of a required binding out
    return frozenset(found)


def _kinds(entry: Entry | None, systems: CodeSystems) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for item in entry.entries("codes", required=True) if entry is not None else ():
        url = systems.url(item.text("system"))
        if url is None:
            item.fail("system", f"{item.text('system')!r} is not in catalog/code_systems.yaml")
        item.text("display")
        found.add((url, systems.code(url, item.text("code"))))
    return frozenset(found)
