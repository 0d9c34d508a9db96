"""Checks of the forms that are made of the rules: each question can be asked, answered and prefilled."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from cds_service.authoring.expansions import has_code_list, uncovered
from cds_service.authoring.findings import Finding
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.cql import CompiledLibrary
from cds_service.dtr.forms import make_form, resource_id
from cds_service.dtr.logic import fact_of
from cds_service.dtr.model import AnswerType, Form, Question, Section
from cds_service.dtr.questionnaire import linked, questionnaire
from cds_service.dtr.versions import VERSIONS
from cds_service.policies.criteria import leaves
from cds_service.policies.model import Criterion, PolicyVersion
from cds_service.policies.value_sets import EXPANSIONS

_BASE: Final = "https://payer.example"
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")
_SEMVER: Final = re.compile(r"\d+\.\d+\.\d+")
_FACTS: Final = {AnswerType.QUANTITY: "System.Quantity", AnswerType.DATE: "System.Date"}
_MODELS: Final = "fhir.resources.R4B"


def check_forms(folder: RuleFolder) -> Iterator[Finding]:
    """All findings about the forms of a folder that loads."""
    for prefix in uncovered(folder.directory) if has_code_list() else ():
        text = f"does not say what lies below the prefix {prefix}: run `cds-service rules build`"
        yield Finding(EXPANSIONS, "prefixes", text)
    for version in folder.versions():
        place = f"policies/{version.policy}/{version.version}"
        for key, sentence in _answers(version):
            yield Finding(f"{place}/criteria.cql", key, sentence)
        forms = [(each, make_form(version, each, "", _BASE)) for each in version.statements]
        asked = [form for _, form in forms if form is not None]
        for key, sentence in _words(version, asked):
            yield Finding(f"{place}/policy.yaml", key, sentence)
        for statement, form in forms:
            if form is not None:
                for sentence in _form(version, form):
                    yield Finding(f"{place}/policy.yaml", f"form of {statement.id}", sentence)


def _criteria(version: PolicyVersion) -> dict[str, Criterion]:
    trees = [tree for each in version.statements for tree in (each.criteria, each.scope) if tree is not None]
    return {leaf.name: leaf for tree in trees for leaf in leaves(tree)}


def _answers(version: PolicyVersion) -> Iterator[tuple[str, str]]:
    """What a kind of answer needs, and what it is about."""
    for name, criterion in _criteria(version).items():
        kind = AnswerType(criterion.answer_type)
        wording = version.questions.criterion(name)
        if kind is AnswerType.CHOICE and not wording.choices:
            yield name, "@answer is choice: list the `choices` under `questions` in policy.yaml"
        if kind not in _FACTS or wording.choices:
            continue
        fact = fact_of(version.library, name)
        if fact is None:
            yield name, f"@answer is {kind.value}: name the definition that the answer gives in @fact"
        elif (found := _type(version.library, fact)) != _FACTS[kind]:
            yield name, f"@fact {fact!r} gives {found or 'nothing that is defined'}, not {_FACTS[kind]}"
        if kind is AnswerType.QUANTITY and criterion.unit is None:
            yield name, "@answer is quantity: name its UCUM unit in @unit"


def _words(version: PolicyVersion, forms: list[Form]) -> Iterator[tuple[str, str]]:
    """Words about questions that no form has, and choices that cannot decide."""
    asked = {each.criterion for form in forms for each in form.questions()}
    groups = {text for form in forms for text in _headings(form.items)}
    for wording in version.questions.criteria:
        key = f"questions: {wording.name}"
        if wording.name not in asked:
            yield key, "no form asks this criterion"
        meanings = {each.means for each in wording.choices}
        if wording.choices and not {True, False} <= meanings:
            yield key, "one choice must mean true and one false, else the answer decides nothing"
        if wording.populated_by is not None:
            found = _type(version.library, wording.populated_by)
            if found != "System.Code":
                yield key, f"populated_by gives {found}, not a code"
    for group in version.questions.groups:
        if group.text not in groups:
            yield f"questions: {group.name}", "no form has this group of criteria"
    identities = {each.id for each in version.statements}
    for added in version.questions.added:
        key = f"questions: {added.id}"
        if added.statement is not None and added.statement not in identities:
            yield key, f"there is no statement {added.statement}"
        elif not any(_has(form, added.id) for form in forms):
            yield key, f"no form asks {added.after!r}, after which it stands"


def _has(form: Form, added: str) -> bool:
    return any(each.link_id == f"added-{added}" for each in form.questions())


def _headings(items: tuple[Section | Question, ...]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Section):
            yield item.text
            yield from _headings(item.children)


def _form(version: PolicyVersion, form: Form) -> Iterator[str]:
    if not _SEMVER.fullmatch(form.version):
        yield f"the library's version {form.version!r} is no semantic version (2024.7.1)"
    if not _ID.fullmatch(resource_id(form)):
        yield f"{resource_id(form)!r} is no FHIR id of at most 64 characters"
    for text in _clinical_after_administrative(form):
        yield f"{text!r} comes after a group that is administrative, so that the clinician cannot hand over"
    criteria = _criteria(version)
    for question in form.questions():
        criterion = criteria.get(question.criterion or "")
        if criterion is not None and question.documents is None and not _is_worded(version, criterion):
            yield f"{criterion.name!r} has no @question, so it is asked in words made of its name"
        if question.populated_by is not None and not _exists(version.library, *question.populated_by):
            yield f"{question.link_id} is prefilled by a definition that does not exist"
    for released in VERSIONS.values():
        yield from _resource(questionnaire(form, released), released.name)


def _clinical_after_administrative(form: Form) -> Iterator[str]:
    handed_over = False
    for item in form.items:
        if isinstance(item, Section) and item.administrative:
            handed_over = True
        elif handed_over:
            yield item.text


def _is_worded(version: PolicyVersion, criterion: Criterion) -> bool:
    return criterion.question is not None or version.questions.criterion(criterion.name).text is not None


def _resource(resource: dict[str, Any], release: str) -> Iterator[str]:
    """Faults of a Questionnaire: double and dangling links, and whatever the typed model finds."""
    items = list(linked(resource["item"]))
    counts = Counter(each["linkId"] for each in items)
    for link_id, count in counts.items():
        if count > 1:
            yield f"{link_id} is the link id of {count} items"
    for item in items:
        for test in item.get("enableWhen", ()):
            if test["question"] not in counts:
                yield f"{item['linkId']} hangs on {test['question']}, which is not asked"
    models = importlib.import_module(_MODELS)
    try:
        models.get_fhir_model_class("Questionnaire").model_validate(resource)
    except ValidationError as error:
        for each in error.errors():
            place = ".".join(str(part) for part in each["loc"])
            yield f"no valid Questionnaire in DTR {release}: {place}: {each['msg']}"


def _type(library: CompiledLibrary, name: str) -> str | None:
    owner, local = library, name
    if name not in library.definitions:
        alias, _, local = name.partition(".")
        owner = library.includes.get(alias, library)
    definition = owner.definitions.get(local)
    return definition.type if definition is not None else None


def _exists(library: CompiledLibrary, name: str, definition: str) -> bool:
    known = {each.name: each for each in (library, *library.includes.values())}
    return name in known and definition in known[name].definitions
