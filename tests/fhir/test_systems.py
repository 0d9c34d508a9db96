"""Code systems and codes in one spelling."""

from __future__ import annotations

import pytest

from cds_service.fhir.systems import CodeSystem, CodeSystems

HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SYSTEMS = CodeSystems(
    [
        CodeSystem("hcpcs", HCPCS, ("urn:oid:2.16.840.1.113883.6.285",)),
        CodeSystem("icd10cm", ICD, ("2.16.840.1.113883.6.90",)),
        CodeSystem("rxnorm", "http://www.nlm.nih.gov/research/umls/rxnorm"),
    ]
)


@pytest.mark.parametrize(
    "spelling",
    [
        HCPCS,
        "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets/",
        "HTTPS://WWW.CMS.GOV/medicare/coding/hcpcsreleasecodesets",
        "https://cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets|2024",
        "urn:oid:2.16.840.1.113883.6.285",
        "2.16.840.1.113883.6.285",
        f"  {HCPCS} ",
    ],
)
def test_one_system_under_many_names(spelling: str) -> None:
    assert SYSTEMS.canonical(spelling) == HCPCS


def test_an_unknown_system_keeps_its_name() -> None:
    assert SYSTEMS.canonical(" urn:local:drugs ") == "urn:local:drugs"


def test_icd_10_of_the_who_is_not_icd_10_cm() -> None:
    assert SYSTEMS.canonical("http://hl7.org/fhir/sid/icd-10") != ICD


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("J1745", "J1745"),
        ("j1745", "J1745"),
        (" J1745 ", "J1745"),
        ("J1745-JW", "J1745"),
        ("J1745JZ", "J1745"),
        ("J1745 JW", "J1745"),
        ("j1745-jw,59", "J1745"),
        ("96365-59", "96365"),
        ("J17450", "J17450"),
        ("NOT A CODE", "NOT A CODE"),
    ],
)
def test_billing_codes_lose_case_and_modifiers(written: str, code: str) -> None:
    assert SYSTEMS.code(HCPCS, written) == code


@pytest.mark.parametrize(
    ("written", "code"),
    [("E23.0", "E23.0"), ("E230", "E23.0"), ("e230", "E23.0"), ("I10", "I10"), ("F3181", "F31.81")],
)
def test_icd_10_cm_codes_carry_their_dot(written: str, code: str) -> None:
    assert SYSTEMS.code(ICD, written) == code


def test_short_names_lead_to_canonical_uris() -> None:
    assert SYSTEMS.url("icd10cm") == ICD
    assert SYSTEMS.url("unheard-of") is None
