"""`rules explain`: the decision along the policy's own tree, for people at a terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from cds_service.authoring.explain import run_explain
from cds_service.settings import default_rules_directory
from tests.authoring.rule_folder import RULES


def explained(target: str | Path) -> tuple[int, str]:
    out = io.StringIO()
    code = run_explain(RULES, str(target), out)
    return code, out.getvalue()


def test_a_case_shows_each_criterion_with_value_evidence_citation_and_what_is_missing() -> None:
    code, text = explained("An adult without an X-ray needs one")
    assert code == 0
    assert text.startswith("Case acme-7/2024-01-01: An adult without an X-ray needs one (today 2024-05-02)\n")
    assert "Outcome: documentation-needed\n" in text
    tree = text[text.index("7 Growth Promoters (2024-01-01), Criteria") :].splitlines()
    assert tree[:4] == [
        "7 Growth Promoters (2024-01-01), Criteria",
        "  Growmore is medically necessary: ALL OF (unknown)",
        "    [met] Ordered for short stature [Criteria, 1]",
        "    Still growing: ANY OF (unknown) [Criteria, 2]",
    ]
    assert "      [not met] Is under 18 years of age [Criteria, 2A]" in tree
    assert "          evidence: Patient/pat-1" in tree
    assert tree[-2:] == [
        "      [unknown] Growth plates are open [Criteria, 2B]",
        "          ask: Does an X-ray show open growth plates?",
    ]


def test_an_unknown_criterion_says_why_it_is_unknown() -> None:
    code, text = explained("Without reason and birth date everything is asked")
    assert code == 0
    assert "          why: Patient/pat-1 has no birthDate\n" in text


def test_an_answer_is_shown_as_attested() -> None:
    code, text = explained("open growth plates is covered")
    assert code == 0
    assert "attested: an answer, not the chart" in text


def test_a_policy_shows_its_criteria_with_nothing_evaluated() -> None:
    assert explained("acme-7/2024-01-01") == (
        0,
        "7 Growth Promoters (effective 2024-01-01)\n"
        "\n"
        "  Growmore (growmorine) [Criteria]\n"
        "    Growmore is medically necessary: ALL OF\n"
        "      Ordered for short stature [Criteria, 1]\n"
        "      Still growing: ANY OF [Criteria, 2]\n"
        "        Is under 18 years of age [Criteria, 2A]\n"
        "        Growth plates are open [Criteria, 2B]\n",
    )


def test_an_unclear_name_lists_the_cases_it_may_mean() -> None:
    code, text = explained("an adult with")
    assert code == 1
    assert text.startswith("ERROR 3 golden cases match 'an adult with':\n")
    assert "    acme-7/2024-01-01: An adult with closed growth plates is not covered\n" in text


def test_what_is_neither_file_nor_case_is_an_error() -> None:
    assert explained("nothing like it") == (1, "ERROR neither a file nor a golden case: nothing like it\n")


def request(**order: Any) -> dict[str, Any]:
    resource = {
        "resourceType": "MedicationRequest",
        "id": "mr-1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2024-05-01",
        "medicationCodeableConcept": {"text": "Growmore"},
        "reasonCode": [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "R62.52"}]}],
    }
    coverage = {
        "resourceType": "Coverage",
        "id": "c1",
        "status": "active",
        "beneficiary": {"reference": "Patient/p1"},
        "payor": [{"display": "Acme Health"}],
    }
    return {
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/1",
            "patientId": "p1",
            "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": resource | order}]},
        },
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "p1", "birthDate": "2014-02-03"},
            "coverage": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": coverage}]},
        },
    }


def test_a_request_file_is_decided_and_laid_out(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps(request()))
    code, text = explained(file)
    assert code == 0
    assert "MedicationRequest/mr-1: Growmore" in text
    assert "Outcome: covered\n" in text
    assert "    [met] Ordered for short stature [Criteria, 1]\n" in text


def test_a_file_that_is_no_request_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text("{}")
    code, text = explained(file)
    assert code == 1
    assert text.startswith("ERROR ")


def test_a_statement_that_may_not_speak_of_an_order_shows_what_decides_that() -> None:
    out = io.StringIO()
    assert run_explain(default_rules_directory(), "excellus-7.03.03", out) == 0
    lines = out.getvalue().splitlines()
    scope, criteria = lines.index("    Speaks of the order when:"), lines.index("    Then covered when:")
    given = next(number for number, line in enumerate(lines) if "Given intravenously" in line)
    necessary = next(number for number, line in enumerate(lines) if "Medically necessary for" in line)
    assert scope < given < criteria < necessary


def test_an_order_without_the_code_looked_for_is_told_in_plain_words() -> None:
    out = io.StringIO()
    example = Path(__file__).parents[2] / "fhir_examples" / "covered-isuprel-tilt-table-test.json"
    assert run_explain(default_rules_directory(), str(example), out) == 0
    assert "why: no matching code on record" in out.getvalue()
