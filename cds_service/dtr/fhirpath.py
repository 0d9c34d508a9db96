"""A condition as FHIRPath over the QuestionnaireResponse, for what one list of enableWhen cannot say."""

from __future__ import annotations

from cds_service.dtr.model import Comparison, Condition, Option
from cds_service.policies.model import Connective


def fhirpath(test: Condition) -> str:
    """The expression of `sdc-questionnaire-enableWhenExpression`; it is true or false, never empty."""
    if isinstance(test, Comparison):
        return _comparison(test)
    word = " and " if test.connective is Connective.ALL else " or "
    return "(" + word.join(fhirpath(each) for each in test.parts) + ")"


def _comparison(test: Comparison) -> str:
    answer = f"%resource.descendants().where(linkId = {_text(test.link_id)}).answer.value"
    if test.operator == "exists":
        return f"{answer}.exists()" if test.value else f"{answer}.empty()"
    if isinstance(test.value, Option):
        same = f"$this.system = {_text(test.value.system)} and $this.code = {_text(test.value.code)}"
        found = f"{answer}.where({same}).exists()"
        return found if test.operator == "=" else f"{found}.not()"
    if isinstance(test.value, bool):
        return f"{answer}.where($this {test.operator} {str(test.value).lower()}).exists()"
    return f"{answer}.where($this.value {test.operator} {test.value}).exists()"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
