"""What DTR's calls take: CPU time of one call in process, median, beside a bare Flask view in the same run.

    python -m bench.dtr

Every row of MEASURED names a call, its target, and how to prepare it.
"""

from __future__ import annotations

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


MEASURED: Final[list[Measured]] = [
    Measured("a package of DTR 2.2 for an order", 20, package_call("2.2")),
    Measured("a package of DTR 2.0.1 for an order, all value sets expanded", 20, package_call("2.0.1")),
]


if __name__ == "__main__":
    main()
