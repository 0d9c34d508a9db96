"""One order from its signature to its booking, read from the EHR: what is said changes, and can be followed.

The EHR is a FHIR server; no call brings prefetch. It keeps what each answer put on the order, as EHRs do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask

from cds_service import cli
from cds_service.app import create_app
from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import COVERAGE_INFORMATION, VERSIONS
from cds_service.settings import Settings
from cds_service.web.services import EXTENSION
from tests.fhir.ehr.server import FhirServer, serving

EXAMPLE = Path(__file__).parents[2] / "fhir_examples" / "hooks" / "order-dispatch-remicade-hospital.json"
DRAFT, SIGNED = "draft-1", "order-remicade"
Json = dict[str, Any]


class Ehr:
    """An EHR that calls the hooks, and writes each answer back to its server."""

    def __init__(self, app: Flask, server: FhirServer, document: Json) -> None:
        self.app, self.server = app, server
        chart = [
            each
            for value in document["prefetch"].values()
            for each in ([entry["resource"] for entry in value["entry"]] if "entry" in value else [value])
        ]
        self.order = next(each for each in chart if each["resourceType"] == "MedicationRequest")
        server.resources = [each for each in chart if each is not self.order]
        server.resources.append({"resourceType": "Location", "id": "room", "status": "active"} | _room())

    def call(self, hook: str, context: Json, version: str = "2.2") -> Json:
        """Call a hook; gives the codes of the coverage-information, and keeps the order as it came back."""
        document = {
            "hook": hook,
            "hookInstance": f"00000000-0000-4000-8000-{len(self.server.asked):012d}",
            "fhirServer": self.server.base,
            "context": {"userId": "Practitioner/p", "patientId": "pat-okafor", **context},
            "prefetch": {},
            "extension": {"davinci-crd.requestedVersion": version},
        }
        response = self.app.test_client().post(f"/cds-services/{hook}-crd", json=document)
        assert response.status_code == 200, response.text
        answer = orjson.loads(response.data)
        assert check_answer(answer, VERSIONS[version], hook) == []
        before = self.order
        for action in answer.get("systemActions", []):  # none when the order already carries this answer
            self.order = action["resource"]
        others = [each for each in before.get("extension", []) if each["url"] != COVERAGE_INFORMATION]
        ours = [each for each in self.order["extension"] if each["url"] == COVERAGE_INFORMATION]
        assert len(ours) == 1, "one answer replaces the one before"
        assert self.order | {"extension": others} == before | {"extension": others}
        return {each["url"]: each.get("valueCode", each.get("valueString")) for each in ours[0]["extension"]}

    def keep(self, **changes: Any) -> None:
        """Save the order, as it now is, on the server."""
        self.order = self.order | changes
        self.server.resources = [
            each for each in self.server.resources if each["resourceType"] != "MedicationRequest"
        ] + [self.order]

    def sign(self) -> Json:
        self.order = self.order | {"id": DRAFT, "status": "draft"}
        entry = {"resource": self.order}
        return self.call(
            "order-sign", {"draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [entry]}}
        )

    def dispatch(self, performer: str, version: str = "2.2") -> Json:
        named = f"MedicationRequest/{self.order['id']}"
        shape = {"order": named} if version == "2.0" else {"dispatchedOrders": [named]}
        return self.call("order-dispatch", shape | {"performer": performer}, version)

    def book(self, place: str) -> Json:
        url = "http://hl7.org/fhir/StructureDefinition/alternate-reference"
        order = {"reference": f"MedicationRequest/{self.order['id']}"}
        appointment = {
            "resourceType": "Appointment",
            "id": "appointment-1",
            "status": "proposed",
            "start": "2026-06-01T09:00:00Z",
            "basedOn": [{"extension": [{"url": url, "valueReference": order}]}],
            "participant": [{"actor": {"reference": place}, "status": "tentative"}],
        }
        entry = {"resource": appointment}
        return self.call(
            "appointment-book",
            {"appointments": {"resourceType": "Bundle", "type": "collection", "entry": [entry]}},
        )


def _room() -> Json:
    kind = {"system": "http://nucc.org/provider-taxonomy", "code": "261QI0500X"}
    center = {"reference": "Organization/org-center"}
    return {"name": "Infusion room", "type": [{"coding": [kind]}], "managingOrganization": center}


@pytest.fixture
def ehr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ehr]:
    url = f"sqlite:///{tmp_path}/history.sqlite3"
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    with serving() as server:
        app = create_app(Settings(database_url=url, log_level="ERROR", fhir_servers=(server.base,)))
        yield Ehr(app, server, orjson.loads(EXAMPLE.read_bytes()))


def stored(ehr: Ehr, target: str, capsys: pytest.CaptureFixture[str], count: int) -> list[Json]:
    """The history of an order by its command, once everything is written."""
    ehr.app.extensions[EXTENSION].store_status()
    recorder = ehr.app.extensions[EXTENSION].record.__self__
    recorder.close(timeout=30)
    capsys.readouterr()
    assert cli.main(["decisions", "show", target, "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(shown) == count
    return shown


@pytest.mark.requirement("crd-2.2.1@hook-33", "crd-2.2.1@resp-26", "crd-2.2.1@found-24")
def test_the_place_settles_what_the_signature_left_open_and_the_chain_is_on_record(
    ehr: Ehr, capsys: pytest.CaptureFixture[str]
) -> None:
    signed = ehr.sign()
    assert (signed["covered"], signed["info-needed"]) == ("conditional", "location")
    ehr.keep(id=SIGNED, status="active")

    hospital = ehr.dispatch("Organization/org-suite")
    assert (hospital["covered"], hospital["pa-needed"]) == ("covered", "auth-needed")
    ehr.keep()

    center = ehr.dispatch("Organization/org-center")
    assert center["covered"] == "covered"
    ehr.keep()

    booked = ehr.book("Location/room")
    assert booked["covered"] == "covered"

    shown = stored(ehr, signed["coverage-assertion-id"], capsys, 4)
    assert [each["assertion_id"] for each in shown] == [
        each["coverage-assertion-id"] for each in (signed, hospital, center, booked)
    ]
    assert [(each["hook"], each["outcome"]) for each in shown] == [
        ("order-sign", "site-unknown"),
        ("order-dispatch", "lower-cost-site"),
        ("order-dispatch", "covered"),
        ("appointment-book", "covered"),
    ]
    assert [each["earlier_assertion_id"] for each in shown] == [None] + [
        each["coverage-assertion-id"] for each in (signed, hospital, center)
    ]
    assert [each["order_reference"] for each in shown] == [f"MedicationRequest/{DRAFT}"] + [
        f"MedicationRequest/{SIGNED}"
    ] * 3


def test_asking_again_about_the_same_place_is_the_same_assertion(
    ehr: Ehr, capsys: pytest.CaptureFixture[str]
) -> None:
    ehr.keep(status="active")
    first = ehr.dispatch("Organization/org-suite")
    ehr.keep()
    again = ehr.dispatch("Organization/org-suite")
    assert again == first
    stored(ehr, f"MedicationRequest/{ehr.order['id']}", capsys, 1)


def test_both_shapes_of_the_context_find_the_order_on_the_server(ehr: Ehr) -> None:
    ehr.keep(status="active")
    newer = ehr.dispatch("Organization/org-suite", "2.2")
    older = ehr.dispatch("Organization/org-suite", "2.0")
    assert newer["coverage-assertion-id"] == older["coverage-assertion-id"]
    reads = [path for path in ehr.server.paths if path.startswith("MedicationRequest") and SIGNED in path]
    assert len(reads) == 2


def test_the_log_of_invocations_counts_orders_that_only_the_server_has(
    ehr: Ehr, capsys: pytest.CaptureFixture[str]
) -> None:
    ehr.keep(status="active")
    ehr.dispatch("Organization/org-suite")
    (decision,) = stored(ehr, f"MedicationRequest/{ehr.order['id']}", capsys, 1)
    assert cli.main(["retention", "show", decision["hook_instance"]]) == 0
    (logged,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (logged["orders"], logged["assertion_ids"]) == (1, [decision["assertion_id"]])
