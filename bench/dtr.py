"""What DTR's calls take: CPU time of one call in process, median, beside a bare Flask view in the same run.

    python -m bench.dtr

Every row of MEASURED names a call, its target, and how to prepare it.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson
from flask import Flask
from flask.testing import FlaskClient

from bench import bare_view
from bench.report import figure
from bench.request import order_sign_request
from cds_service.app import create_app
from cds_service.settings import Settings

CALLS: Final = 200
WARM_UP: Final = 20

Call = Callable[[], Any]


class Measured(NamedTuple):
    """One figure: what it is, the target in milliseconds, and what prepares the call."""

    what: str
    at_most: float
    prepare: Callable[[FlaskClient, Flask], Call]


def main() -> None:
    """Print every figure, and how many bare Flask views it is worth."""
    bare = median(bare_call())
    print(figure("a bare Flask view, in ms", bare, 3))
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(database_url=f"sqlite:///{folder}/bench.sqlite3", log_level="ERROR"))
        for each in MEASURED:
            value = median(each.prepare(app.test_client(), app))
            print(figure(f"{each.what}, in ms", value, 2, at_most=each.at_most))
            print(f"    {value / bare:.1f} bare views")


def median(call: Call) -> float:
    """Milliseconds of CPU time of one call in the calling thread; the work is on one core."""
    for _ in range(WARM_UP):
        call()
    times = []
    for _ in range(CALLS):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return statistics.median(times) * 1e3


def bare_call() -> Call:
    client, body = bare_view.create_app().test_client(), orjson.dumps(order_sign_request())
    return lambda: client.post("/cds-services/order-sign-crd", data=body, content_type="application/json")


def package_call(version: str) -> Callable[[FlaskClient, Flask], Call]:
    """One `$questionnaire-package` for an order without its chart: package, decision, draft response."""

    def prepare(client: FlaskClient, _: Flask) -> Call:
        request = order_sign_request()
        order = request["context"]["draftOrders"]["entry"][0]["resource"]
        coverage = request["prefetch"]["coverage"]["entry"][0]["resource"]
        resources = [("coverage", coverage), ("order", order)]
        body = orjson.dumps(
            {
                "resourceType": "Parameters",
                "parameter": [{"name": name, "resource": resource} for name, resource in resources],
            }
        )
        address = f"/fhir/dtr/{version}/Questionnaire/$questionnaire-package"

        def call() -> None:
            answer = client.post(address, data=body, content_type="application/fhir+json")
            assert answer.status_code == 200, answer.data
            assert b"Library" in answer.data

        return call

    return prepare


def form_links(client: FlaskClient, orders: int) -> list[str]:
    """Paths of the form pages of so many orders: Macrilen, its body mass index not on record."""
    links = []
    for number in range(orders):
        request = order_sign_request()
        request["prefetch"]["observations"] = {"resourceType": "Bundle", "type": "searchset", "total": 0}
        request["context"]["draftOrders"]["entry"][0]["resource"]["id"] = f"mr-{number}"
        answer = client.post("/cds-services/order-sign-crd", json=request).json
        assert answer is not None
        links += [
            link["url"][link["url"].index("/forms/") :]
            for card in answer["cards"]
            for link in card["links"]
            if "/forms/" in link["url"]
        ]
    assert len(links) == orders
    return links


def form_page_call(client: FlaskClient, _: Flask) -> Call:
    """The form page, filled with what the record answers."""
    (path,) = form_links(client, 1)

    def call() -> None:
        page = client.get(path)
        assert page.status_code == 200, page.data

    return call


def submit_call(client: FlaskClient, _: Flask) -> Call:
    """The answers sent: read, decided, kept, answered with where the decision is; each time a new order."""
    pages = [(path, client.get(path).text) for path in form_links(client, CALLS + WARM_UP)]
    fields = {
        "0.used-to-diagnose-adult-growth-hormone-deficiency": "yes",
        "0.is-18-years-of-age-or-older": "1980-05-17",
        "0.body-mass-index-is-at-most-40-kg-m2": "24.5",
        "who.name": "Dana Reyes",
        "who.role": "ordered",
        "action": "submit",
    }

    def call() -> None:
        path, page = pages.pop()
        own = dict(re.findall(r'name="(stamp|seen)" value="([^"]+)"', page))
        sent = client.post(path, data={**fields, **own})
        assert (sent.status_code, sent.headers["Location"]) == (303, path), sent.data

    return call


MEASURED: Final[list[Measured]] = [
    Measured("a package of DTR 2.2 for an order", 20, package_call("2.2")),
    Measured("a package of DTR 2.0.1 for an order, all value sets expanded", 20, package_call("2.0.1")),
    Measured("the form page", 50, form_page_call),
    Measured("the decision after its answers are sent", 20, submit_call),
]


if __name__ == "__main__":
    main()
