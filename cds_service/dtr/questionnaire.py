"""A form as a FHIR Questionnaire, in the shape of each DTR version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, Final

import orjson

from cds_service.dtr.conditions import is_plain
from cds_service.dtr.effort import clinical_seconds, seconds, time_code
from cds_service.dtr.fhirpath import fhirpath
from cds_service.dtr.forms import PATH, resource_id
from cds_service.dtr.libraries import PATH as LIBRARY_PATH
from cds_service.dtr.libraries import SEMVER
from cds_service.dtr.model import (
    AnswerType,
    Comparison,
    Condition,
    Form,
    Option,
    PopulatedBy,
    Question,
    Section,
)
from cds_service.dtr.versions import DtrVersion
from cds_service.policies.model import Connective

MIME_TYPES: Final = ("application/pdf", "image/jpeg", "image/png", "image/tiff", "text/plain")
"""What a document may be; a Questionnaire can name the first only (mimeType 0..1)."""

MAX_MEGABYTES: Final = 2
"""How big a document may be, in units of 1 048 576 bytes (`answers.MAX_ATTACHMENT_BYTES`)."""

HAND_OVER: Final = (
    "The clinical part is complete. Administrative staff can answer the questions of this section."
)

UCUM: Final = "http://unitsofmeasure.org"
_CORE: Final = "http://hl7.org/fhir/StructureDefinition"
_SDC: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition"
_DTR: Final = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
_CONTROLS: Final = "http://hl7.org/fhir/questionnaire-item-control"

Resource = dict[str, Any]


def questionnaire(form: Form, version: DtrVersion) -> Resource:
    """The Questionnaire of a form. Valid for the standard questionnaire profile of the version."""
    return {
        "resourceType": "Questionnaire",
        "id": resource_id(form),
        "meta": {"profile": [version.questionnaire_profile]},
        "text": {"status": "generated", "div": narrative(form)},
        "extension": [dict(SEMVER), *_of_form(form, version)],
        **head(form),
        "item": list(items(form, version)),
    }


def head(form: Form) -> Resource:
    """What identifies a form and says whose it is: also of an adaptive one, which has no items yet."""
    period = {
        key: day.isoformat()
        for key, day in (("start", form.effective_from), ("end", form.effective_to))
        if day is not None
    }
    return {
        "url": form.url,
        "version": form.version,
        "name": "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", form.id)),
        "title": form.title,
        "status": "active",
        "experimental": False,
        "subjectType": ["Patient"],
        **({"date": period["start"]} if "start" in period else {}),
        **({"publisher": form.publisher} if form.publisher else {}),
        **({"description": f"Made of the criteria of {form.policy_label}."} if form.policy_label else {}),
        **({"effectivePeriod": period} if period else {}),
    }


def items(form: Form, version: DtrVersion) -> Iterator[Resource]:
    """The items of a form, nested as the policy groups its criteria."""
    maker = _Items(form, version)
    return (maker.item(each) for each in form.items)


def expression(populated_by: PopulatedBy, form: Form, version: DtrVersion) -> Resource:
    """A definition as an Expression in CQL, with the same in ELM as its alternative."""
    elm = {
        "type": "ExpressionRef",
        "libraryName": populated_by.library,
        "name": populated_by.definition,
    }
    alternative = {"language": "application/elm+json", "expression": orjson.dumps(elm).decode()}
    bare = version.bare_identifiers and not form.named
    qualified = f"{_quoted(populated_by.library)}.{_quoted(populated_by.definition)}"
    return {
        "extension": [{"url": version.alternative_expression, "valueExpression": alternative}],
        "language": "text/cql-identifier" if bare else "text/cql",
        "expression": populated_by.definition if bare else qualified,
    }


def narrative(form: Form) -> str:
    """The form as XHTML for people whose software shows nothing else."""
    lines = "".join(f"<li>{escape(each.text)}</li>" for each in form.questions())
    policy = f"<p>{escape(form.policy_label)}</p>" if form.policy_label else ""
    return (
        f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(form.title)}</p>{policy}<ol>{lines}</ol></div>'
    )


def policy_page(form: Form) -> str:
    """The page about the policy version that a form belongs to."""
    return f"{_base(form)}/policies/{form.policy}/{form.policy_version}"


def _base(form: Form) -> str:
    return form.url.removesuffix(f"{PATH}/{form.id}")


def _of_form(form: Form, version: DtrVersion) -> Iterator[Resource]:
    for name, number in ((form.library, form.version), *form.named):
        address = f"{_base(form)}{LIBRARY_PATH}/{name}"
        yield {
            "url": f"{_CORE}/cqf-library",
            "valueCanonical": f"{address}|{number}" if version.versioned_references else address,
        }
    if version.describes_effort:
        yield {"url": f"{_DTR}/questionnaireAudience", "valueCode": "clinical"}
        if clinical_seconds(form) < seconds(form):
            yield {"url": f"{_DTR}/questionnaireAudience", "valueCode": "admin"}
        yield {"url": f"{_DTR}/request-specific", "valueBoolean": False}
        yield {
            "url": f"{_DTR}/estimated-completion-time",
            "extension": [
                {"url": "clinicalTime", "valueCode": time_code(clinical_seconds(form))},
                {"url": "totalTime", "valueCode": time_code(seconds(form))},
            ],
        }


class _Items:
    def __init__(self, form: Form, version: DtrVersion) -> None:
        self._form = form
        self._version = version
        self._types = {each.link_id: each for each in form.questions()}

    def item(self, each: Section | Question) -> Resource:
        return self._section(each) if isinstance(each, Section) else self._question(each)

    def _section(self, section: Section) -> Resource:
        return {
            **self._enabling(section.enabled, []),
            "linkId": section.link_id,
            "text": section.text,
            "type": "group",
            "item": [*self._hand_over(section), *(self.item(child) for child in section.children)],
        }

    def _hand_over(self, section: Section) -> Iterator[Resource]:
        """Where the clinical part is over, a sentence that says so (DTR spec-22)."""
        if section.administrative:
            link_id = f"{section.link_id}-clinical-part-complete"
            yield {"linkId": link_id, "text": HAND_OVER, "type": "display"}

    def _question(self, question: Question) -> Resource:
        said: Resource = {
            "linkId": question.link_id,
            "text": question.text,
            "type": question.type.value,
            "required": question.required,
        }
        if question.repeats:
            said["repeats"] = True
        if question.options:
            said["answerOption"] = [{"valueCoding": _coding(each)} for each in question.options]
        if help_item := self._help(question):
            said["item"] = [help_item]
        return {**self._enabling(question.enabled, list(self._extensions(question))), **said}

    def _extensions(self, question: Question) -> Iterator[Resource]:
        if question.populated_by is not None:
            yield {
                "url": f"{_SDC}/sdc-questionnaire-initialExpression",
                "valueExpression": expression(question.populated_by, self._form, self._version),
            }
        if question.unit is not None:
            unit = {"system": UCUM, "code": question.unit, "display": question.unit}
            yield {"url": f"{_CORE}/questionnaire-unitOption", "valueCoding": unit}
        if question.type is AnswerType.ATTACHMENT:
            yield {"url": f"{_CORE}/mimeType", "valueCode": MIME_TYPES[0]}
            yield {"url": f"{_CORE}/maxSize", "valueDecimal": MAX_MEGABYTES}
        if question.type is AnswerType.CHOICE:
            yield _control("radio-button")
        if question.criterion is not None:
            yield self._link()

    def _link(self) -> Resource:
        """Where the policy can be read."""
        url, page = self._version.help_link, policy_page(self._form)
        if not self._version.labelled_help:
            return {"url": url, "valueUri": page}
        label = {"url": "label", "valueString": self._form.policy_label or self._form.title}
        return {"url": url, "extension": [label, {"url": "link", "valueUri": page}]}

    def _help(self, question: Question) -> Resource | None:
        cited = f"Policy: {question.cite}." if question.cite else ""
        text = " ".join(part for part in (question.help or "", cited) if part)
        if not text:
            return None
        return {
            "extension": [_control("help")],
            "linkId": f"{question.link_id}-help",
            "text": text,
            "type": "display",
        }

    def _enabling(self, test: Condition | None, extensions: list[Resource]) -> Resource:
        """enableWhen where a plain list can say it, else an expression."""
        said: Resource = {}
        if test is not None and is_plain(test):
            plain = [test] if isinstance(test, Comparison) else list(test.parts)
            said["enableWhen"] = [self._comparison(each) for each in plain if isinstance(each, Comparison)]
            if not isinstance(test, Comparison):
                said["enableBehavior"] = "all" if test.connective is Connective.ALL else "any"
        elif test is not None:
            found = {"language": "text/fhirpath", "expression": fhirpath(test)}
            url = f"{_SDC}/sdc-questionnaire-enableWhenExpression"
            extensions = [*extensions, {"url": url, "valueExpression": found}]
        return {**({"extension": extensions} if extensions else {}), **said}

    def _comparison(self, test: Comparison) -> Resource:
        found: Resource = {"question": test.link_id, "operator": test.operator}
        if isinstance(test.value, bool):
            return found | {"answerBoolean": test.value}
        if isinstance(test.value, Option):
            return found | {"answerCoding": _coding(test.value)}
        unit = self._types[test.link_id].unit
        number = int(test.value) if test.value == int(test.value) else float(test.value)
        return found | {"answerQuantity": {"value": number, "unit": unit, "system": UCUM, "code": unit}}


def _coding(option: Option) -> Resource:
    return {"system": option.system, "code": option.code, "display": option.display}


def _control(code: str) -> Resource:
    coding = {"system": _CONTROLS, "code": code}
    return {
        "url": f"{_CORE}/questionnaire-itemControl",
        "valueCodeableConcept": {"coding": [coding]},
    }


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def linked(item: Iterable[Resource]) -> Iterator[Resource]:
    """Every item below some items, groups and helps included."""
    for each in item:
        yield each
        yield from linked(each.get("item", ()))
