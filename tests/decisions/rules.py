"""Policies, orders and evaluations small enough to read, for the tests of the decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import SimpleNamespace
from typing import Any, Final

from cds_service.cql import CqlRuntimeError
from cds_service.decisions.decide import decide
from cds_service.decisions.model import Determination
from cds_service.fhir.codes import Coding
from cds_service.orders.model import (
    CareSetting,
    DrugOrder,
    IdentifiedBy,
    Indication,
    MemberCoverage,
    OrderedQuantity,
    PatientStatus,
    ProductIdentification,
    ServiceDate,
    ServiceDateBasis,
)
from cds_service.policies.model import (
    Connective,
    CriteriaGroup,
    Criterion,
    Payer,
    PolicyVersion,
    Selection,
    Statement,
)

USED: Final = Criterion("used", "Used to diagnose growth hormone deficiency", "3", "What is it used for?")
ADULT: Final = Criterion("adult", "Is 18 years of age or older", "3.1", "How old is the patient?")
BMI: Final = Criterion("bmi", "Body mass index is at most 40 kg/m2", "3.2", "What is the body mass index?")
ALL: Final = CriteriaGroup(Connective.ALL, (USED, ADULT, BMI))
MET: Final = {USED.name: True, ADULT.name: True, BMI.name: True}

STATEMENT: Final = Statement(
    id="macrilen",
    title="Macrilen",
    cite="Section 3",
    conclusion="Macrilen is medically necessary",
    criteria=ALL,
    authorization_months=12,
)
PAYER: Final = Payer("acme", "Acme Health", ())
COVERAGE: Final = MemberCoverage({}, "Coverage/c1", "acme", "W1")
ORDER: Final = DrugOrder(
    resource={"resourceType": "MedicationRequest", "id": "m1", "subject": {"reference": "Patient/p1"}},
    reference="MedicationRequest/m1",
    drug=ProductIdentification("macrilen", IdentifiedBy.PRODUCT_CODE, "Macrilen", billing_codes=("J3490",)),
    service_date=ServiceDate(date(2024, 9, 1), ServiceDateBasis.AUTHORED_ON),
    indication=Indication(codes=(Coding("icd", "E23.0"),), source="order"),
    setting=CareSetting(PatientStatus.OUTPATIENT),
    quantity=OrderedQuantity(),
    coverage=COVERAGE,
)


def version(policy: str = "acme-1", *, precertification: bool = True) -> PolicyVersion:
    return PolicyVersion(
        policy=policy,
        number=policy.rpartition("-")[2],
        version="2024-07-01",
        title="Unassigned codes",
        payer="acme",
        effective_from=date(2024, 7, 1),
        effective_to=None,
        precertification=precertification,
        statements=(),
        library=SimpleNamespace(),  # type: ignore[arg-type]
        document="policy.txt",
    )


@dataclass
class Rules:
    """An evaluation that gives what the test says; a value may be an exception to raise."""

    values: Mapping[str, Any]
    unavailable: Mapping[str, frozenset[str]]
    answered: Iterable[str]
    why_null: str = "no such observation on record"

    def trace(self, name: str) -> Any:
        value = self.values.get(name)
        if isinstance(value, Exception):
            raise value
        return SimpleNamespace(
            name=name,
            library="Test",
            value=value,
            why_null=self.why_null if value is None else None,
            evidence=("Observation/o1",) if value is not None else (),
            values=("39 kg/m2",) if name == BMI.name and value is not None else (),
            unavailable=self.unavailable.get(name, frozenset()),
            answered=name in self.answered,
            children=(),
        )


class CodeLists:
    """Value sets by url."""

    def __init__(self, lists: Mapping[str, set[tuple[str, str]]] | None = None) -> None:
        self.lists = lists or {}

    def lookup(self, url: str) -> Any:
        members = self.lists.get(url)
        if members is None:
            return None
        return SimpleNamespace(contains=lambda code, system: (system, code) in members, codes=lambda: members)


def decided(
    values: Mapping[str, Any] = MET,
    *,
    order: DrugOrder = ORDER,
    statements: tuple[tuple[PolicyVersion, Statement], ...] | None = None,
    statement: Statement = STATEMENT,
    selection: Selection | None = None,
    payer: Payer = PAYER,
    lists: Mapping[str, set[tuple[str, str]]] | None = None,
    unavailable: Mapping[str, frozenset[str]] | None = None,
    answered: Iterable[str] = (),
    why_null: str = "no such observation on record",
) -> Determination:
    """Decide the example order by the example policy, with whatever the test changes."""
    chosen = selection or Selection(statements=statements or ((version(), statement),))
    rules = Rules(values, unavailable or {}, answered, why_null)
    return decide(
        order,
        chosen,
        lambda _: rules,  # type: ignore[arg-type, return-value]
        payer=payer,
        value_sets=CodeLists(lists),
    )


def broken() -> CqlRuntimeError:
    return CqlRuntimeError(
        "cannot compare 41 kg of Jane Doe", library="Criteria", definition=BMI.name, locator="12:3-12:40"
    )


def changed(**fields: Any) -> Statement:
    return replace(STATEMENT, **fields)
