"""Every rule that a coverage-information extension must keep, as functions a person can read.

First the structure (what may appear, how often, with which codes and value types), then the published
invariants crd-ci-q1 to q9 as each version words them, then the rules that this service adds so that one
answer keeps the text of all versions as well as their expressions. Source: Da Vinci CRD 2.0.1, 2.1.0 and
2.2.1, StructureDefinition ext-coverage-information.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cds_service.crd.hook_rules import HOOK_RULES
from cds_service.crd.versions import COVERAGE_INFORMATION, DETAIL_CATEGORIES, CrdVersion

Rule = Callable[["View"], bool]

VALUE_TYPES: Final[Mapping[str, str]] = {
    "coverage": "valueReference",
    "covered": "valueCode",
    "pa-needed": "valueCode",
    "doc-needed": "valueCode",
    "doc-purpose": "valueCode",
    "info-needed": "valueCode",
    "billingCode": "valueCoding",
    "reason": "valueCodeableConcept",
    "dependency": "valueReference",
    "questionnaire": "valueCanonical",
    "response": "valueReference",
    "date": "valueDate",
    "coverage-assertion-id": "valueString",
    "satisfied-pa-id": "valueString",
    "expiry-date": "valueDate",
}
_REQUIRED: Final = ("coverage", "covered", "date", "coverage-assertion-id")
_SETTLED_WITHOUT_PA: Final = ("satisfied", "no-auth")


class View:
    """The values of an extension by sub-extension url; anything that is no sub-extension is left out."""

    def __init__(self, extension: Mapping[str, Any]) -> None:
        self.parts: dict[str, list[Mapping[str, Any]]] = {}
        for part in extension.get("extension") or ():
            if isinstance(part, Mapping) and isinstance(part.get("url"), str):
                self.parts.setdefault(part["url"], []).append(part)

    def has(self, url: str) -> bool:
        """Whether the sub-extension is there."""
        return url in self.parts

    def codes(self, url: str) -> list[Any]:
        """The codes of a coded sub-extension."""
        return [part.get("valueCode") for part in self.parts.get(url, ())]

    def is_any(self, code: str) -> bool:
        """Whether covered, pa-needed or doc-needed has the code."""
        return any(code in self.codes(url) for url in ("covered", "pa-needed", "doc-needed"))


def q1(view: View) -> bool:
    """A questionnaire (or a response) comes with doc-needed."""
    return not (view.has("questionnaire") or view.has("response")) or view.has("doc-needed")


def q2_when_covered(view: View) -> bool:
    """2.0.1: whatever is not not-covered says whether authorization is needed."""
    return "not-covered" in view.codes("covered") or view.has("pa-needed")


def q2_when_not_covered(view: View) -> bool:
    """2.1 and later: not-covered says nothing about authorization."""
    return "not-covered" not in view.codes("covered") or not view.has("pa-needed")


def q3_information(view: View) -> bool:
    """2.0.1: info-needed comes with something conditional."""
    return not view.has("info-needed") or view.is_any("conditional")


def q3_conditional(view: View) -> bool:
    """2.1 and later: something conditional says which information is needed."""
    return not view.is_any("conditional") or view.has("info-needed")


def q4(view: View) -> bool:
    """Documents for authorization are not asked where authorization is given or not needed."""
    settled = any(code in _SETTLED_WITHOUT_PA for code in view.codes("pa-needed"))
    return not settled or "withpa" not in view.codes("doc-purpose")


def q5(view: View) -> bool:
    """The authorization number is there when, and only when, authorization is satisfied."""
    return ("satisfied" in view.codes("pa-needed")) == view.has("satisfied-pa-id")


def q6(view: View) -> bool:
    """Other information needed comes with a reason."""
    return "OTH" not in view.codes("info-needed") or view.has("reason")


def q7(view: View) -> bool:
    """Every reason has a text."""
    concepts = [part.get("valueCodeableConcept") for part in view.parts.get("reason", ())]
    return all(isinstance(concept, Mapping) and concept.get("text") for concept in concepts)


def q8(view: View) -> bool:
    """A purpose of documents comes with a reason."""
    return not view.has("doc-purpose") or view.has("reason")


def q9(view: View) -> bool:
    """Indeterminate comes with a reason."""
    return not view.is_any("indeterminate") or view.has("reason")


def conditional_has_reason(view: View) -> bool:
    """Something conditional says the rule in words."""
    return not view.is_any("conditional") or view.has("reason")


def purpose_has_documents(view: View) -> bool:
    """A purpose of documents comes with doc-needed."""
    return not view.has("doc-purpose") or view.has("doc-needed")


def withpa_needs_authorization(view: View) -> bool:
    """Documents for authorization only where authorization is or may be needed."""
    open_still = {"auth-needed", "performpa", "conditional"}
    return "withpa" not in view.codes("doc-purpose") or bool(open_still & set(view.codes("pa-needed")))


def versioned_questionnaire(view: View) -> bool:
    """A questionnaire is named with its version."""
    canonicals = [part.get("valueCanonical") for part in view.parts.get("questionnaire", ())]
    return all(isinstance(canonical, str) and "|" in canonical for canonical in canonicals)


def coverage_of_the_client(view: View) -> bool:
    """The coverage is one that the client knows, not contained in the order."""
    references = [part.get("valueReference") for part in view.parts.get("coverage", ())]
    return all(
        isinstance(reference, Mapping) and str(reference.get("reference", "#")).rpartition("#")[1] == ""
        for reference in references
    )


_ALWAYS: Final[dict[str, Rule]] = {
    "crd-ci-q1": q1,
    "crd-ci-q4": q4,
    "crd-ci-q5": q5,
    "covered-says-authorization": q2_when_covered,
    "not-covered-says-none": q2_when_not_covered,
    "information-means-conditional": q3_information,
    "conditional-means-information": q3_conditional,
    "other-has-reason": q6,
    "reason-has-text": q7,
    "purpose-has-reason": q8,
    "indeterminate-has-reason": q9,
    "conditional-has-reason": conditional_has_reason,
    "purpose-has-documents": purpose_has_documents,
    "withpa-needs-authorization": withpa_needs_authorization,
    "versioned-questionnaire": versioned_questionnaire,
    "coverage-of-the-client": coverage_of_the_client,
}

PUBLISHED: Final[Mapping[str, Mapping[str, Rule]]] = {
    "2.0": {
        "crd-ci-q1": q1, "crd-ci-q2": q2_when_covered, "crd-ci-q3": q3_information, "crd-ci-q4": q4,
        "crd-ci-q5": q5,
    },
    "2.1": {
        "crd-ci-q1": q1, "crd-ci-q2": q2_when_not_covered, "crd-ci-q3": q3_conditional, "crd-ci-q4": q4,
        "crd-ci-q5": q5, "crd-ci-q6": q6, "crd-ci-q7": q7,
    },
    "2.2": {
        "crd-ci-q1": q1, "crd-ci-q2": q2_when_not_covered, "crd-ci-q3": q3_conditional, "crd-ci-q4": q4,
        "crd-ci-q5": q5, "crd-ci-q6": q6, "crd-ci-q7": q7, "crd-ci-q8": q8, "crd-ci-q9": q9,
    },
}  # fmt: skip


def check_coverage_information(extension: Mapping[str, Any], version: CrdVersion) -> list[str]:
    """Everything that is wrong with an extension in a version; empty when it may be sent."""
    if extension.get("url") != COVERAGE_INFORMATION:
        return ["url: not a coverage-information extension"]
    view = View(extension)
    problems = list(_structure(view, version))
    rules = {**_ALWAYS, **PUBLISHED[version.version]}
    problems += [f"{key}: {rule.__doc__}" for key, rule in rules.items() if not rule(view)]
    return problems


def _structure(view: View, version: CrdVersion) -> Iterator[str]:
    for url in _REQUIRED:
        if not view.has(url):
            yield f"{url}: missing"
    for url, parts in view.parts.items():
        if url not in version.maximum:
            yield f"{url}: not in CRD {version.version}"
            continue
        maximum = version.maximum[url]
        if maximum is not None and len(parts) > maximum:
            yield f"{url}: more than {maximum}"
        if url == "detail":
            for part in parts:
                yield from _detail(part, version)
            continue
        value_type = version.contact.value if url == "contact" else VALUE_TYPES[url]
        for part in parts:
            if set(part) != {"url", value_type}:
                yield f"{url}: not exactly one {value_type}"
            elif url in version.codes and part[value_type] not in version.codes[url]:
                yield f"{url}: {part[value_type]} is no code of CRD {version.version}"
            elif url == "reason":
                yield from _reason(part[value_type], version)
    yield from _empty(list(view.parts.values()), "extension")


def _reason(concept: Mapping[str, Any], version: CrdVersion) -> Iterator[str]:
    for coding in concept.get("coding", ()):
        if coding.get("code") not in version.reasons:
            yield f"reason: {coding.get('code')} is no reason of CRD {version.version}"


def _detail(part: Mapping[str, Any], version: CrdVersion) -> Iterator[str]:
    inner = View(part)
    if inner.has("category") is not version.detail_category:
        yield "detail: category is for versions that define it, and there it is required"
    if len(inner.parts.get("code", ())) != 1 or len(inner.parts.get("value", ())) != 1:
        yield "detail: needs one code and one value"
        return
    coding = inner.parts["code"][0].get("valueCodeableConcept", {}).get("coding", [{}])[0]
    code = coding.get("code")
    if coding.get("system") != version.detail_system or code not in version.detail_codes:
        yield f"detail: {code} is no detail of CRD {version.version}"
    elif set(inner.parts["value"][0]) != {"url", version.detail_codes[code]}:
        yield f"detail: {code} takes {version.detail_codes[code]}"
    elif version.detail_category and inner.codes("category") != [DETAIL_CATEGORIES[code]]:
        yield f"detail: {code} belongs to {DETAIL_CATEGORIES[code]}"


def _empty(value: Any, path: str) -> Iterator[str]:
    """Null, empty text, empty lists and objects are never sent (CDS Hooks 2.0, JSON rules)."""
    if value is None or value == "" or value == [] or value == {}:
        yield f"{path}: empty"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _empty(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _empty(item, path)


def check_answer(answer: Mapping[str, Any], version: CrdVersion, hook: str = "order-sign") -> list[str]:
    """Everything that is wrong with a whole answer to a hook: cards, actions and their extensions."""
    problems = [] if isinstance(answer.get("cards"), list) else ["cards: missing"]
    for card in answer.get("cards", ()):
        problems += _card(card, version)
    for action in answer.get("systemActions", ()):
        if action.get("type") != "update" or not action.get("description") or "resourceId" in action:
            problems.append("systemActions: not an update with a description")
        carried = [each for each in action["resource"]["extension"] if isinstance(each, Mapping)]
        ours = [each for each in carried if each.get("url") == COVERAGE_INFORMATION]
        if not ours:
            problems.append("systemActions: no coverage-information")
        for extension in ours:
            problems += check_coverage_information(extension, version)
            if not HOOK_RULES[hook].doc_needed.isdisjoint(View(extension).codes("doc-needed")):
                problems.append(f"doc-needed: not to be asked at {hook}")
    for key, value in answer.items():
        if value in (None, "", {}) or (value == [] and key != "cards"):
            problems.append(f"{key}: empty")
    return problems


def _card(card: Mapping[str, Any], version: CrdVersion) -> Iterator[str]:
    if not 0 < len(card.get("summary", "")) < 140:
        yield "card: summary must have 1 to 139 characters"
    if card.get("indicator") not in ("info", "warning"):
        yield "card: indicator is neither info nor warning"
    if not card.get("uuid"):
        yield "card: no uuid"
    topic = card.get("source", {}).get("topic", {})
    if not card.get("source", {}).get("label") or topic.get("system") != version.topic_system:
        yield "card: source needs a label and a topic of the version"
    if topic.get("code") in (None, "coverage-info", "unsolicited-determ"):
        yield "card: coverage information is never a card"
    suggestions = card.get("suggestions", ())
    if bool(suggestions) is not ("selectionBehavior" in card):
        yield "card: selectionBehavior is there when, and only when, suggestions are"
    if sum(each.get("isRecommended") is True for each in suggestions) > 1:
        yield "card: only one of at most one suggestion is recommended"
    for suggestion in suggestions:
        yield from _suggestion(suggestion)
    if suggestions and card.get("links"):
        yield "card: an alternative request carries no links"
    for link in card.get("links", ()):
        if link.get("type") != "absolute" or "://" not in link.get("url", "") or "appContext" in link:
            yield "card: links are absolute and carry no appContext"
    yield from _empty({key: value for key, value in card.items() if key != "suggestions"}, "card")


def _suggestion(suggestion: Mapping[str, Any]) -> Iterator[str]:
    """CRD 2.2.1, Propose Alternate Request: one update of an order, whole and described."""
    if not suggestion.get("label") or not suggestion.get("uuid"):
        yield "suggestion: needs a label and a uuid"
    actions = suggestion.get("actions", ())
    if [action.get("type") for action in actions] != ["update"]:
        yield "suggestion: an alternative is one update"
    for action in actions:
        if not action.get("description") or not action.get("resource", {}).get("id"):
            yield "suggestion: its action needs a description and the whole resource"
    yield from _empty({key: value for key, value in suggestion.items() if key != "actions"}, "suggestion")
