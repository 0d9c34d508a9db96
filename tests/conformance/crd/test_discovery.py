"""What discovery says, over HTTP, and that it is true (CRD 2.2.1 dev-1 to dev-10; 2.0.1 108 to 122)."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from cds_service.hooks.prefetch import offered
from cds_service.policies.catalogue import Catalogue
from cds_service.policies.reads import types_read
from cds_service.settings import default_rules_directory
from tests.conformance.crd.service import HOOKS, VERSIONS, answer, app, call, discovered, drug, post, said

# CRD Response Types (CDS Hooks card types); coverage-info and unsolicited-determ are no cards.
RESPONSE_TYPES = {
    "coverage-info", "unsolicited-determ", "claim", "insurance", "limits", "network", "appropriate-use",
    "cost", "therapy-alternatives-opt", "therapy-alternatives-req", "clinical-reminder", "duplicate-therapy",
    "contraindication", "guideline", "off-guideline",
}  # fmt: skip
# Shortened SHA-256 of the standard expressions in the guide's CRDServices.json: sorted, alternatives too.
STANDARD = {
    "order-sign": "b0eb7b58a875dc16",
    "order-select": "b0eb7b58a875dc16",
    "order-dispatch": "f0c0fbec5160c8c0",
    "appointment-book": "242d129a6111047b",
}


@pytest.mark.requirement("crd-2.2.1@hook-4", "crd-2.2.1@ops-1", "crd-2.0.1@152", "crd-2.0.1@168")
def test_there_is_a_service_for_every_hook_of_crd() -> None:
    assert set(discovered()) == set(HOOKS)
    for service in discovered().values():
        for member in ("hook", "id", "title", "description", "usageRequirements"):
            assert isinstance(service[member], str)
            assert service[member]


@pytest.mark.requirement("crd-2.2.1@found-15", "crd-2.0.1@27")
def test_one_base_address_serves_every_payer_on_file() -> None:
    services = json.loads(app().test_client().get("/cds-services").data)["services"]
    hooks = [each["hook"] for each in services]
    assert len(hooks) == len(set(hooks)), "a second service for a hook would be a second endpoint"
    for name in ("Cigna", "Excellus BlueCross BlueShield", "Blue Cross and Blue Shield of Alabama"):
        document = call("order-sign")
        document["prefetch"]["coverage"]["entry"][0]["resource"]["payor"] = [{"display": name}]
        assert post(document).status_code == 200


@pytest.mark.requirement("crd-2.2.1@dev-1", "crd-2.2.1@dev-2")
def test_exactly_the_declared_versions_are_spoken() -> None:
    for hook, service in discovered().items():
        declared = service["extension"]["davinci-crd.version"]
        assert declared == list(VERSIONS)
        for version in declared:
            assert re.fullmatch(r"[1-9]\d*\.\d+", version)
            assert post(call(hook, version=version)).status_code == 200
        for other in ("1.0", "2.3", "2.2.1", "2", ""):
            assert post(call(hook, version=other)).status_code == 400


@pytest.mark.requirement(
    "crd-2.2.1@dev-4", "crd-2.2.1@dev-7", "crd-2.2.1@dev-8", "crd-2.0.1@108", "crd-2.0.1@110",
    "crd-2.0.1@111", "crd-2.0.1@112", "crd-2.0.1@113", "crd-2.0.1@114", "crd-2.0.1@120", "crd-2.0.1@121",
    "crd-2.0.1@122",
)  # fmt: skip
@pytest.mark.parametrize("hook", HOOKS)
def test_configuration_options_are_complete_unique_and_from_the_list(hook: str) -> None:
    options = discovered()[hook]["extension"]["davinci-crd.configuration-options"]
    for option in options:
        assert set(option) == {"code", "type", "name", "description", "default"}
        assert type(option["default"]) is {"boolean": bool, "integer": int}[option["type"]]
        assert option["code"] in RESPONSE_TYPES | {"max-cards"}
    for member in ("code", "name", "description"):
        assert len({option[member] for option in options}) == len(options)
    assert "coverage-info" in {option["code"] for option in options}


@pytest.mark.requirement("crd-2.2.1@dev-9", "crd-2.2.1@dev-10")
def test_the_options_are_the_same_at_every_hook() -> None:
    first, *others = [each["extension"] for each in discovered().values()]
    assert all(each == first for each in others)


@pytest.mark.requirement("crd-2.2.1@found-29", "crd-2.2.1@found-26")
@pytest.mark.parametrize("hook", STANDARD)
def test_the_standard_expressions_are_used_as_published(hook: str) -> None:
    queries = list(discovered()[hook]["prefetch"].values())
    count = {"order-dispatch": 15, "appointment-book": 12}.get(hook, 9)
    parts = sorted("|".join(sorted(re.split(r"\{\{|\}\}|\|", each))) for each in queries[:count])
    assert hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16] == STANDARD[hook]


@pytest.mark.requirement("crd-2.2.1@found-24")
@pytest.mark.parametrize("key", ["a", "xyz", "patient2"])
def test_prefetch_is_read_whatever_its_keys_are_called(key: str) -> None:
    document = call("order-sign", drug())
    plain = answer(document)
    named = {f"{key}{number}": value for number, value in enumerate(document["prefetch"].values())}
    renamed = answer(document | {"prefetch": named})
    assert said(renamed)["covered"] == said(plain)["covered"] == ["covered"]
    assert said(renamed)["pa-needed"] == said(plain)["pa-needed"] == ["satisfied"]
    assert "fhirServer" not in document


@pytest.mark.requirement("crd-2.2.1@found-40")
def test_discovery_and_answers_have_no_needless_white_space() -> None:
    for response in (app().test_client().get("/cds-services"), post(call("order-sign"))):
        compact = json.dumps(json.loads(response.data), separators=(",", ":"), ensure_ascii=False)
        assert response.data.decode() == compact


@pytest.mark.requirement("crd-2.2.1@found-27", "crd-2.2.1@found-28", "crd-2.0.1@41", "crd-2.0.1@42")
@pytest.mark.parametrize("hook", STANDARD)
def test_prefetch_asks_for_the_records_that_every_policy_on_file_reads_and_no_others(hook: str) -> None:
    catalogue = Catalogue.load(default_rules_directory())
    queries = discovered()[hook]["prefetch"].values()
    asked = {each.partition("?")[0] for each in queries if each.split("?")[-1].startswith("patient=")}
    for each in catalogue.versions:
        assert asked - {"Coverage"} == types_read(each.library) - {"Patient"}, each.policy


def test_a_policy_that_reads_more_has_it_offered() -> None:
    everything = offered("order-sign")
    fewer = offered("order-sign", {"Condition"})
    assert {"conditions", "procedures", "allergies", "medicationStatements"} <= set(everything)
    assert set(everything) - set(fewer) == {
        "observations", "procedures", "allergies", "medicationStatements", "medicationRequests",
    }  # fmt: skip
