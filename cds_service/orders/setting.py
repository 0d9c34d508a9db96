"""Where the drug is to be given: the order's category, the encounter's class, the kind of location."""

from __future__ import annotations

from cds_service.fhir import reads
from cds_service.fhir.codes import Coding
from cds_service.fhir.index import NamedPlaces, Resource, ResourceIndex, reference_to
from cds_service.fhir.vocabulary import Vocabulary
from cds_service.orders.model import CareSetting, PatientStatus
from cds_service.orders.site import encounter_site, named_site

_MOST_LOCATIONS = 20


def order_encounter(order: Resource, index: ResourceIndex) -> Resource | None:
    """The encounter of an order: the one it refers to, else the one of the call."""
    for element in ("encounter", "context"):  # `context` in STU3
        found = index.resolve(order.get(element), order)
        if found is not None and found.get("resourceType") == "Encounter" and not index.is_foreign(found):
            return found
    return index.encounter


def read_setting(
    order: Resource,
    encounter: Resource | None,
    index: ResourceIndex,
    vocabulary: Vocabulary,
    places: NamedPlaces | None = None,
) -> CareSetting:
    """Whether the patient is hospitalized when the drug is given, every setting code found, and the site.

    The order's category says where the drug is meant to be given (FHIR R4 MedicationRequest.category), so it
    goes before the encounter's class; when the two contradict each other the status is unknown. Encounters
    that are over or void settle nothing; the codes of void ones are left out. A place that the call
    (`places`) or the order names for giving the drug goes before that of the encounter, which is where it was
    ordered.
    """
    settings, systems = vocabulary.settings, vocabulary.systems
    categories = reads.codings(order.get("category"), systems)
    category_codes = {coding.code.lower() for coding in categories} or {*reads.codes(order.get("category"))}
    by_category = _status(
        bool(category_codes & settings.inpatient_categories),
        bool(category_codes & settings.outpatient_categories),
    )
    codes = list(categories)
    by_class = PatientStatus.UNKNOWN
    where = ""
    status = reads.codes(encounter.get("status")) if encounter is not None else ()
    if encounter is not None and not settings.void_encounter_statuses.intersection(status):
        classes = _classes(encounter, vocabulary)
        codes += [coding for coding in classes if coding.system]
        codes += _location_codes(encounter, index, vocabulary)
        if not settings.past_encounter_statuses.intersection(status):
            pairs = {coding[:2] for coding in classes}
            by_class = _status(
                bool(pairs & settings.inpatient_classes), bool(pairs & settings.outpatient_classes)
            )
            where = f"class of {reference_to(encounter)}"
    after_stay = bool(category_codes & settings.after_stay_categories)
    found, basis = _settle(by_category, by_class, after_stay, where)
    named = named_site(order, index, vocabulary, places)
    site = named or encounter_site(encounter, index, vocabulary)
    return CareSetting(
        patient_status=found,
        basis=basis,
        codes=tuple(dict.fromkeys(codes)),
        site_codes=tuple(named.codes) if named else (),
        affiliation_codes=tuple(site.affiliations),
        affiliation_known=site.affiliation_known,
        encounter_site_codes=() if named else tuple(site.codes),
        site_basis=site.basis,
        site_named=named is not None,
    )


def _status(inpatient: bool, outpatient: bool) -> PatientStatus:
    if inpatient == outpatient:
        return PatientStatus.UNKNOWN
    return PatientStatus.INPATIENT if inpatient else PatientStatus.OUTPATIENT


def _settle(
    by_category: PatientStatus, by_class: PatientStatus, after_stay: bool, where: str
) -> tuple[PatientStatus, str | None]:
    if by_category is PatientStatus.UNKNOWN:
        return by_class, where if by_class is not PatientStatus.UNKNOWN else None
    if by_class in (by_category, PatientStatus.UNKNOWN) or (
        after_stay and by_class is PatientStatus.INPATIENT
    ):
        return by_category, "category of the order"
    return PatientStatus.UNKNOWN, f"category of the order and {where} contradict each other"


def _classes(encounter: Resource, vocabulary: Vocabulary) -> tuple[Coding, ...]:
    value = encounter.get("class")
    found = reads.codings(value, vocabulary.systems)
    if not found and isinstance(value, str):  # DSTU2: a bare code
        found = (Coding("", value.strip()),)
    return tuple(coding if coding.system else coding._replace(code=coding.code.upper()) for coding in found)


def _location_codes(encounter: Resource, index: ResourceIndex, vocabulary: Vocabulary) -> list[Coding]:
    """Kinds of the encounter's current locations (Location.type: place of service, role)."""
    found: list[Coding] = []
    for item in reads.objects(encounter.get("location"))[:_MOST_LOCATIONS]:
        if item.get("status") in ("completed", "planned", "reserved"):
            continue
        location = index.resolve(item.get("location"), encounter)
        if location is not None:
            found += reads.codings(location.get("type"), vocabulary.systems)
    return found
