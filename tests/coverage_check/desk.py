"""The documentation of orders over a real database, as short as a test can read it."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Final

from cds_service.authoring.cases import Case
from cds_service.authoring.prepared_cases import PreparedCase, prepare
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.coverage_check import CoverageCheck
from cds_service.coverage_check.call_context import CallContext
from cds_service.coverage_check.documentation import Documentation, OpenDocumentation
from cds_service.coverage_check.prefill import prefilled
from cds_service.coverage_check.questionnaires import Questionnaires
from cds_service.crd.assertion import CoverageAssertion
from cds_service.decisions.attestation import Attested
from cds_service.dtr.conditions import asked
from cds_service.dtr.forms import Forms
from cds_service.dtr.model import AnswerType, Form, Question
from cds_service.dtr.responses import Author, completed
from cds_service.dtr.versions import DTR_2_2, DtrVersion
from cds_service.settings import default_rules_directory
from cds_service.store.decisions import DecisionStore
from cds_service.store.documentation import DocumentationStore
from cds_service.store.model import DecisionRecord, DocumentationRequest
from tests.coverage_check.calls import catalogue

BASE: Final = "https://service.example"
CLINICIAN: Final = Author(("http://terminology.hl7.org/CodeSystem/practitioner-role", "doctor", "Doctor"))
DOCUMENT: Final = {"contentType": "application/pdf", "data": "JVBERi0xLjc=", "title": "chart-notes.pdf"}
_NUMBERS: Final = itertools.count(1)


@cache
def forms() -> Forms:
    return Forms.load(catalogue(), BASE)


@cache
def rules() -> RuleFolder:
    return RuleFolder.open(default_rules_directory())


@cache
def golden() -> dict[str, Case]:
    """Every golden case of every policy by its label."""
    folder = rules()
    return {case.label: case for version in folder.versions() for case in folder.cases(version)}


class Writing:
    """A recorder that writes at once."""

    def __init__(self, store: DecisionStore) -> None:
        self._store = store

    def record(self, *records: DecisionRecord | DocumentationRequest) -> None:
        self._store.write(records)


class Desk:
    """A coverage check with its documentation, over one database. Other workers are other desks."""

    def __init__(self, url: str, *, key: str = "", keys: tuple[str, ...] = (), **options: Any) -> None:
        self.decisions = DecisionStore.open(url, keys)
        self.store = DocumentationStore(url, keys)
        recorder = Writing(self.decisions)
        self.questionnaires = Questionnaires(
            forms(), catalogue(), self.store, recorder, key=key.encode(), public_base_url=BASE, **options
        )
        self.check = CoverageCheck(
            catalogue(),
            recorder,
            public_base_url=BASE,
            assertion_key=key,
            questionnaires=self.questionnaires,
        )
        self.documentation = Documentation(self.check, self.questionnaires, self.store)

    @classmethod
    def at(cls, folder: Path, **options: Any) -> Desk:
        """A desk over a new SQLite file."""
        return cls(f"sqlite:///{folder}/desk-{next(_NUMBERS)}.sqlite3", **options)

    def close(self) -> None:
        self.store.close()
        self.decisions.close()

    def asserted(self, case: PreparedCase, client: str | None = None) -> tuple[CoverageAssertion, str]:
        """What a hook call would assert of a case, with what it leaves behind; and the key of the order."""
        now = datetime.combine(case.case.today, time(12), UTC)
        context = CallContext("order-sign", "2.2", now, "", client, True, "order", case.order, case.index)
        order, determination = self.check.determine(
            case.order, case.index, case.coverage, case.case.today, now, case.answers
        )
        assertion = self.check.assertion(context, order, determination, case.coverage)
        key = self.questionnaires.order_key(order, context) if order is not None else ""
        if assertion.questionnaires:
            self.questionnaires.keep(assertion, context, key)
        return assertion, key


@dataclass(frozen=True)
class Facts:
    """What is true of the patient of a golden case, by form and link id, whether a chart shows it or not."""

    values: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, case: PreparedCase, check: CoverageCheck) -> Facts:
        whole = Attested({})
        now = datetime.combine(case.case.today, time(12), UTC)
        check.determine(
            case.order, case.index, case.coverage, case.case.today, now, case.answers, attested=whole
        )
        found = {}
        for form in forms():
            version = catalogue().policy_version(form.policy, form.policy_version)
            chart = whole.charts.get(form.policy)
            if chart is not None and version is not None:
                found[form.canonical] = prefilled(form, version.library, chart)
        return cls(found)


_FACTLESS: Final = ("Patient", "Coverage", "Organization", "Encounter", "Location", "PractitionerRole")


def stripped(case: PreparedCase) -> PreparedCase:
    """The same order for a chart of which nothing is known but who the patient is, and where."""
    facts = copy.deepcopy(dict(case.case.facts))
    for key in ("conditions", "observations", "medications", "allergies", "answers"):
        facts.pop(key, None)
    facts["patient"] = {key: value for key, value in facts.get("patient", {}).items() if key != "birth_date"}
    facts["resources"] = [each for each in facts.get("resources", ()) if each["resourceType"] in _FACTLESS]
    return prepare(rules(), Case(case.case.file, case.case.name, case.case.today, facts, case.case.expect))


def prepared(label: str) -> PreparedCase:
    return prepare(rules(), golden()[label])


def numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as conditions compare them."""
    return {key: getattr(value, "value", value) for key, value in values.items()}


def open_questions(form: Form, known: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Question]:
    """The questions that are asked and have no answer yet, in the policy's order."""
    enabled = asked(form, {**numbers(known), **numbers(given)})
    for question in form.questions():
        unanswered = question.link_id not in given and question.link_id not in known
        if question.link_id in enabled and unanswered:
            yield question


def is_of_rules(question: Question) -> bool:
    """Whether a rule reads the answer: no document, no question of the author's own."""
    return question.definition is not None


def filled(
    opened: OpenDocumentation,
    form: Form,
    given: Mapping[str, Any],
    known: Mapping[str, Any],
    *,
    version: DtrVersion = DTR_2_2,
    documents: bool = True,
) -> dict[str, Any]:
    """The completed response with these answers and the chart's own, and every document that is due."""
    values: dict[str, Any] = {**known, **given}
    enabled = asked(form, numbers(values))
    values = {link_id: value for link_id, value in values.items() if link_id in enabled}
    for question in form.questions():
        due = question.type is AnswerType.ATTACHMENT and question.link_id in enabled
        if documents and due and question.documents in values:
            values[question.link_id] = [DOCUMENT]
    return completed(form, version, opened.subject, values, known, opened.now, author=CLINICIAN)
