"""What a client switches off is off; nonsense does no harm (CRD 2.2.1 dev-5 to dev-17; 2.0.1 115 to 131)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from tests.conformance.crd.service import (
    HOOKS,
    VERSIONS,
    Document,
    actions,
    answer,
    answered_examples,
    call,
    discovered,
    hospital_drug,
    said,
)


def topics(given: Document) -> list[str]:
    return [card["source"]["topic"]["code"] for card in given["cards"]]


def configured(document: Document, **options: Any) -> Document:
    named = {code.replace("_", "-"): value for code, value in options.items()}
    extension = document.get("extension", {}) | {"davinci-crd.configuration": named}
    return document | {"extension": extension}


@pytest.mark.requirement(
    "crd-2.2.1@dev-5", "crd-2.2.1@dev-14", "crd-2.0.1@115", "crd-2.0.1@116", "crd-2.0.1@128",
)  # fmt: skip
@pytest.mark.parametrize("version", VERSIONS)
def test_every_kind_of_card_that_is_ever_sent_has_a_switch_that_works(version: str) -> None:
    sent: dict[str, list[Document]] = defaultdict(list)
    for _, document, given in answered_examples(version):
        for topic in set(topics(given)):
            sent[topic].append(document)
    assert set(sent) == {"guideline", "limits", "network"}
    for topic, documents in sent.items():
        for document in documents:
            options = discovered()[document["hook"]]["extension"]["davinci-crd.configuration-options"]
            assert {"boolean"} == {each["type"] for each in options if each["code"] == topic}
            plain, without = answer(document), answer(configured(document, **{topic: False}))
            assert topics(without) == [each for each in topics(plain) if each != topic]
            assert actions(without) == actions(plain)


@pytest.mark.requirement(
    "crd-2.2.1@dev-5", "crd-2.2.1@dev-14", "crd-2.2.1@resp-28", "crd-2.0.1@116", "crd-2.0.1@128",
)  # fmt: skip
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("hook", HOOKS)
def test_coverage_information_can_be_switched_off(hook: str, version: str) -> None:
    assert answer(call(hook, version=version, configuration={"coverage-info": False})) == {"cards": []}


@pytest.mark.requirement("crd-2.2.1@dev-14", "crd-2.0.1@128")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_what_if_call_gets_no_authorization(version: str) -> None:
    found = answer(call("order-sign", version=version, configuration={"unsolicited-determ": False}))
    assert said(found)["pa-needed"] == ["auth-needed"]
    assert "satisfied-pa-id" not in said(found)
    assert not any("authorization number" in card["detail"] for card in found["cards"])


@pytest.mark.requirement("crd-2.2.1@dev-14", "crd-2.0.1@128")
@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_no_more_cards_come_than_are_wanted(most: int) -> None:
    document = call("order-sign", hospital_drug("order-1"), hospital_drug("order-2"))
    everything = answer(document)
    fewer = answer(configured(document, max_cards=most))
    assert len(everything["cards"]) > 3
    assert fewer["cards"] == everything["cards"][:most]
    assert actions(fewer) == actions(everything)


@pytest.mark.requirement(
    "crd-2.2.1@dev-6", "crd-2.2.1@dev-17", "crd-2.0.1@117", "crd-2.0.1@118", "crd-2.0.1@131",
)  # fmt: skip
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    "nonsense",
    [
        {"alt-drug": True, "dtr-clin": True},
        {"coverage-info": "no", "max-cards": -1},
        {"max-cards": "many", "guideline": None, "limits": 0, "network": [False]},
        {"unsolicited-determ": {}, "": False, "coverage": False},
        [],
        "off",
        7,
    ],
    ids=str,
)
def test_what_is_not_understood_counts_as_not_given(hook: str, nonsense: Any) -> None:
    document = call(hook)
    document["extension"]["davinci-crd.configuration"] = nonsense
    assert answer(document) == answer(call(hook))


@pytest.mark.requirement("crd-2.2.1@dev-15", "crd-2.0.1@129")
@pytest.mark.parametrize("hook", HOOKS)
def test_no_configuration_is_needed(hook: str) -> None:
    document = call(hook, version=None)
    assert "extension" not in document
    assert len(actions(answer(document))) == (0 if hook.startswith("encounter") else 1)
