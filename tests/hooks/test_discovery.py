"""What discovery says, and the prefetch that it asks for."""

from __future__ import annotations

import re

import pytest

from cds_service.hooks.discovery import discovery, hook_of, services
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.prefetch import declared_types, own_order_keys, templates

SERVICE = discovery(("2.0", "2.1", "2.2"))["services"][0]


def test_the_service_is_described() -> None:
    assert SERVICE["id"] == "order-sign-crd"
    assert SERVICE["hook"] == "order-sign"
    assert SERVICE["title"]
    assert SERVICE["description"]
    assert hook_of("order-sign-crd") == "order-sign"


@pytest.mark.requirement("crd-2.2.1@dev-1", "crd-2.2.1@dev-2")
def test_all_versions_are_declared() -> None:
    assert SERVICE["extension"]["davinci-crd.version"] == ["2.0", "2.1", "2.2"]


@pytest.mark.requirement("crd-2.2.1@dev-4", "crd-2.2.1@dev-7", "crd-2.2.1@dev-8")
def test_configuration_options_are_complete_and_unique() -> None:
    options = SERVICE["extension"]["davinci-crd.configuration-options"]
    for option in options:
        assert set(option) == {"code", "type", "name", "description", "default"}
        assert type(option["default"]) is {"boolean": bool, "integer": int}[option["type"]]
        assert re.fullmatch(r"[a-z][a-z-]*", option["code"])
    for member in ("code", "name", "description"):
        assert len({option[member] for option in options}) == len(options)


@pytest.mark.requirement("crd-2.2.1@found-29")
def test_the_standard_expressions_come_first() -> None:
    keys = list(templates("order-sign"))
    assert keys[:9] == [
        "patient",
        "encounter",
        "coverage",
        "devices",
        "medications",
        "practitionerRoles",
        "practitioners",
        "organizations",
        "locations",
    ]
    assert templates("order-sign")["coverage"] == "Coverage?patient={{context.patientId}}&status=active"


def test_a_template_refers_only_to_keys_before_it() -> None:
    seen: set[str] = set()
    for key, query in templates("order-sign").items():
        assert set(re.findall(r"%(\w+)\.", query)) <= seen
        seen.add(key)


def test_each_key_settles_one_resource_type() -> None:
    types = declared_types("order-sign")
    assert set(types) == set(templates("order-sign"))
    assert types["observations"] == ("Observation",)
    assert types["patient"] == ("Patient",)
    assert all(len(each) == 1 for each in types.values())


def test_an_unknown_service_is_a_request_error() -> None:
    with pytest.raises(RequestError) as caught:
        hook_of("patient-view-crd")
    assert caught.value.kind is ErrorKind.UNKNOWN_SERVICE


@pytest.mark.requirement("crd-2.2.1@hook-4", "crd-2.2.1@ops-1")
def test_every_hook_of_crd_has_a_service_of_its_own() -> None:
    assert {name: each["hook"] for name, each in services().items()} == {
        "order-sign-crd": "order-sign",
        "order-dispatch-crd": "order-dispatch",
        "appointment-book-crd": "appointment-book",
        "order-select-crd": "order-select",
        "encounter-start-crd": "encounter-start",
        "encounter-discharge-crd": "encounter-discharge",
    }


@pytest.mark.requirement("crd-2.2.1@dev-9", "crd-2.2.1@dev-1")
def test_configuration_options_and_versions_are_the_same_for_all_hooks() -> None:
    offered = discovery(("2.0", "2.1", "2.2"))["services"]
    assert [each["extension"] for each in offered] == [SERVICE["extension"]] * len(offered)


@pytest.mark.parametrize("hook", ["order-sign", "order-select", "order-dispatch", "appointment-book"])
def test_templates_of_every_hook_refer_only_to_keys_before_them(hook: str) -> None:
    seen: set[str] = set()
    for key, query in templates(hook).items():
        assert set(re.findall(r"%(\w+)\.", query)) <= seen
        seen.add(key)


def test_the_orders_that_a_call_is_about_settle_nothing_about_other_orders() -> None:
    types = declared_types("order-dispatch")
    assert types["medicationRequests"] == ()
    assert types["medicationHistory"] == ("MedicationRequest",)
    assert own_order_keys("order-dispatch", "ServiceRequest") == ("serviceRequests",)
    assert own_order_keys("appointment-book", "MedicationRequest") == ("medicationRequests",)
    assert own_order_keys("order-sign", "MedicationRequest") == ()
