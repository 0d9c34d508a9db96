"""Clients at work: threads that call as different tenants in turn, and look at every answer."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from time import monotonic, sleep
from typing import Any, NamedTuple

import orjson

from tests.load.tenants import INSTANCE, NUMBER, Tenant, names, orders_of, prepared, service_of

Json = dict[str, Any]
_PATIENCE_S = 30


class Given(NamedTuple):
    """One answer that a client has got."""

    tenant: str
    hook_instance: str
    assertion_ids: tuple[str, ...]
    order_references: tuple[str, ...]
    seconds: float
    tries: int


@dataclass
class Plan:
    """What all clients of a run know. `said` is what each call of each tenant is answered in substance."""

    port: int
    tenants: Sequence[Tenant]
    said: Mapping[tuple[str, str], Any]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Result:
    """What clients saw. `broken` are the moments (monotonic) at which connections broke."""

    given: list[Given] = field(default_factory=list)
    broken: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, other: Result) -> None:
        """Take in what others saw."""
        self.given += other.given
        self.broken += other.broken
        self.problems += other.problems


def first_answers(port: int, tenants: Sequence[Tenant]) -> tuple[Plan, Result]:
    """Each call once, one after the other: what is expected of all later ones."""
    said: dict[tuple[str, str], Any] = {}
    result = Result()
    client = _Client(Plan(port, tenants, {}), "first", result)
    for tenant in tenants:
        for count, name in enumerate(names(tenant)):
            said[tenant.name, name] = client.call(tenant, name, count)
    return Plan(port, tenants, said), result


def work(plan: Plan, threads: int, seconds: float, label: str = "") -> Result:
    """Call with so many threads for so long."""
    until = monotonic() + seconds
    results = [Result() for _ in range(threads)]

    def run(number: int) -> None:
        client = _Client(plan, f"{label}{number}", results[number])
        calls = [(tenant, name) for tenant in plan.tenants for name in names(tenant)]
        for count in itertools.count():
            if monotonic() >= until or len(results[number].problems) > 20:
                return
            tenant, name = calls[(count * 7 + number) % len(calls)]
            try:
                said = client.call(tenant, name, count)
            except Exception as error:  # a thread must tell, not die
                results[number].problems.append(f"{name} of {tenant.name}: {error!r}")
                continue
            if said is not None and said != plan.said[tenant.name, name]:
                results[number].problems.append(f"{name} of {tenant.name}: another answer than before")

    workers = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    whole = Result()
    for each in results:
        whole.add(each)
    return whole


class _Client:
    """One keep-alive connection."""

    def __init__(self, plan: Plan, label: str, result: Result) -> None:
        self._plan = plan
        self._label = label
        self._result = result
        self._connection = self._connect()

    def _connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._plan.port, timeout=_PATIENCE_S)

    def call(self, tenant: Tenant, name: str, count: int) -> Any:
        """Make one call, again where its connection breaks; gives what was said of each order."""
        instance = str(uuid.uuid4())
        body = prepared(tenant, name).replace(NUMBER, f"{self._label}-{count}".encode())
        body = body.replace(INSTANCE, instance.encode())
        path = service_of(name)
        for tries in itertools.count(1):
            started = monotonic()
            headers = {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {tenant.bearer(self._plan.base + path)}",
            }
            try:
                self._connection.request("POST", path, body, headers)
                response = self._connection.getresponse()
                content = response.read()
                break
            except (OSError, HTTPException):
                self._result.broken.append(monotonic())
                self._connection.close()
                self._connection = self._connect()
                if tries > 5:
                    raise
                sleep(0.05)
        seconds = monotonic() - started
        if response.status != 200:
            self._result.problems.append(f"{name} of {tenant.name}: {response.status} {content[:300]!r}")
            return None
        answer = orjson.loads(content)
        answered = [action["resource"] for action in answer["systemActions"]]
        parts = [order["extension"].pop()["extension"] for order in answered]
        self._compare(tenant, name, answered, list(orders_of(orjson.loads(body))))
        ids = tuple(
            part["valueString"] for each in parts for part in each if part["url"] == "coverage-assertion-id"
        )
        references = tuple(f"{each['resourceType']}/{each['id']}" for each in answered)
        self._result.given.append(Given(tenant.name, instance, ids, references, seconds, tries))
        summaries = [card["summary"] for card in answer["cards"]]
        return [[part for part in each if not part["url"].endswith("-id")] for each in parts], summaries

    def _compare(self, tenant: Tenant, name: str, answered: list[Json], sent: list[Json]) -> None:
        """The orders of the answer are the sender's own, as they were sent."""
        for order in (*answered, *sent):
            if not order.get("extension"):
                order.pop("extension", None)
        if answered != sent:
            self._result.problems.append(f"{name} of {tenant.name}: answered for other orders than sent")
