"""Fires the orders of a synthetic population at every hook and says what came out.

Run: python -m tests.foreign.population FOLDER [--seed 7], or `make population`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import orjson
from flask import Flask
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import COVERAGE_INFORMATION, VERSIONS
from cds_service.settings import Settings
from tests.foreign.charts import Call, calls, charts

FIRED_IN: Final = ("2.0", "2.2")


@dataclass
class Tally:
    """What came of all calls; `problems` must stay empty."""

    patients: int = 0
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Counts for people."""
        lines = [f"{self.patients} patients, {sum(self.calls.values())} calls, {len(self.problems)} problems"]
        lines += [
            f"  {hook} in CRD {version}: {n} calls" for (hook, version), n in sorted(self.calls.items())
        ]
        lines += ["  covered / pa-needed / doc-needed:"]
        lines += [f"  {count:6} {said}" for said, count in self.outcomes.most_common()]
        return "\n".join([*lines, *self.problems[:20]])


def fire(app: Flask, folder: Path, seed: int) -> Tally:
    """Every hook of both versions for every patient in a folder."""
    tally, client = Tally(), app.test_client()
    for chart in charts(folder):
        tally.patients += 1
        for version in FIRED_IN:
            for call in calls(chart, seed, version):
                _fire(client, call, version, tally)
    return tally


def _fire(client: FlaskClient, call: Call, version: str, tally: Tally) -> None:
    hook = call.document["hook"]
    tally.calls[hook, version] += 1
    body = orjson.dumps(call.document)
    response = client.post(f"/cds-services/{hook}-crd", data=body, content_type="application/json")
    where = f"{hook} {version} {', '.join(call.orders)}"
    if response.status_code != 200:
        tally.problems.append(f"{where}: {response.status_code} {response.get_data(as_text=True)[:300]}")
        return
    answer: dict[str, Any] = orjson.loads(response.data)
    tally.problems += [f"{where}: {each}" for each in check_answer(answer, VERSIONS[version], hook)]
    answered = [each["resource"] for each in answer.get("systemActions", [])]
    names = tuple(f"{each['resourceType']}/{each['id']}" for each in answered)
    if names != call.orders:
        tally.problems.append(f"{where}: answered for {names}")
    for order in answered:
        tally.outcomes[_said(order)] += 1


def _said(order: dict[str, Any]) -> str:
    """covered / pa-needed / doc-needed of the coverage-information on an order."""
    ours = [each for each in order["extension"] if each.get("url") == COVERAGE_INFORMATION]
    codes = {each["url"]: each.get("valueCode") for each in ours[-1]["extension"]}
    return " / ".join(str(codes.get(name, "-")) for name in ("covered", "pa-needed", "doc-needed"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Fire and print; exit code 1 when something was not answered as it must be."""
    parser = argparse.ArgumentParser(description="a synthetic population at every hook")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    started = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/population.sqlite3", log_level="ERROR")
        tally = fire(create_app(settings), options.folder, options.seed)
    sys.stdout.write(f"{tally.table()}\nin {perf_counter() - started:.0f} s\n")
    return 1 if tally.problems or not tally.patients else 0


if __name__ == "__main__":
    sys.exit(main())
