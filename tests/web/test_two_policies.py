"""An order that two policies decide, the drug's own and that on the site of care: two forms, one decision."""

from __future__ import annotations

import io
import shutil
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import Settings, default_rules_directory
from tests.e2e.service import example
from tests.web.test_forms import BIRTH, BMI, SIGNED, USE, Order

COMORBIDITY = "1.significant-comorbidity-precludes-a-less-intensive-setting"
LABEL = "1.label-restricts-the-site-of-administration"
ADVERSE = "1.documented-adverse-event-warrants-a-more-intense-level-of-care"
FLUID = "1.concerns-about-fluid-overload-preclude-a-less-intensive-setting"
DRUG = {BIRTH: "1980-05-17", USE: "yes", BMI: "24.5"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """The shipped policies, but that Macrilen is on the list of the site of care too."""
    folder = tmp_path_factory.mktemp("two-policies")
    rules = shutil.copytree(default_rules_directory(), folder / "rules")
    listed = rules / "policies" / "cigna-site-of-care" / "undated" / "policy.yaml"
    text = listed.read_text()
    assert text.count("products: [\n      actemra,") == 1
    listed.write_text(text.replace("products: [\n      actemra,", "products: [\n      macrilen, actemra,"))
    settings = Settings(
        database_url=f"sqlite:///{folder}/forms.sqlite3",
        public_base_url="http://payer.example.org",
        policies_dir=rules,
    )
    return create_app(settings).test_client()


class AtTheHospital(Order):
    """Macrilen, without a body mass index on record, to be given in a suite of a hospital."""

    def __init__(self, client: FlaskClient) -> None:
        super().__init__(client)
        elsewhere = example("lower-cost-site-remicade-hospital", "order-remicade")
        (entry,) = self.request["context"]["draftOrders"]["entry"]
        entry["resource"]["dispenseRequest"]["performer"] = {"reference": "Organization/org-suite"}
        for key in ("organizations", "organizationParents", "affiliations"):
            self.request["prefetch"][key] = elsewhere["prefetch"][key]
        self.request["prefetch"]["payers"] = elsewhere["prefetch"]["payers"]
        (self.url,) = {
            link["url"]
            for card in self.fire()["cards"]
            for link in card.get("links", ())
            if "/forms/" in link["url"]
        }
        self.path = self.url.removeprefix("http://payer.example.org")
        self.token = self.path.rpartition("/")[2]


@pytest.fixture
def order(client: FlaskClient) -> AtTheHospital:
    return AtTheHospital(client)


def submit(order: Order, answers: dict[str, Any]) -> dict[str, Any]:
    sent = order.post({**answers, **SIGNED, "issue": "yes", "action": "submit"})
    assert sent.status_code == 303, sent.text
    return order.information()


def note() -> tuple[io.BytesIO, str]:
    return io.BytesIO(b"%PDF-1.7 chart notes"), "notes.pdf"


def test_both_forms_are_named_and_answered_on_one_page(order: AtTheHospital) -> None:
    (action,) = order.fire()["systemActions"]
    (said,) = (
        each for each in action["resource"]["extension"] if each["url"].endswith("coverage-information")
    )
    named = [each["valueCanonical"] for each in said["extension"] if each["url"] == "questionnaire"]
    assert [each.rpartition("/")[2] for each in named] == [
        "cigna-1701-macrilen|2024.7.1",
        "cigna-site-of-care-site-of-care|1.0.0",
    ]
    exception = {LABEL: "no", ADVERSE: "no", COMORBIDITY: "yes", f"{COMORBIDITY}-documentation": note()}
    values = submit(order, {**DRUG, **exception})
    assert values["pa-needed"] == "satisfied"
    assert values["satisfied-pa-id"]


def test_the_drug_alone_approves_no_setting(order: AtTheHospital) -> None:
    values = submit(order, {**DRUG, LABEL: "no", ADVERSE: "no", COMORBIDITY: "no", FLUID: "no"})
    assert (values["covered"], values["pa-needed"]) == ("covered", "auth-needed")
    assert "satisfied-pa-id" not in values
    assert "doc-needed" not in values


def test_the_setting_alone_approves_no_drug(order: AtTheHospital) -> None:
    exception = {LABEL: "no", ADVERSE: "no", COMORBIDITY: "yes", f"{COMORBIDITY}-documentation": note()}
    values = submit(order, {**DRUG, BMI: "41", **exception})
    assert values["covered"] == "not-covered"
    assert "satisfied-pa-id" not in values
