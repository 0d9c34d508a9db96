"""A few seconds of what `make load` does for a minute: several tenants and workers, one of them killed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fhir.ehr import server as fhir_server
from tests.fhir.ehr.server import FhirServer
from tests.load.clients import first_answers, work
from tests.load.service import Service, serving
from tests.load.stored import compare
from tests.load.tenants import FROM_SERVER, Tenant, charts, tenants
from tests.store.conftest import Databases, databases, postgresql_server

__all__ = ["databases", "postgresql_server"]

pytestmark = pytest.mark.xdist_group("load")

SECONDS = 2.5
KILL_AFTER_S = 1.0
THREADS = 6


@pytest.fixture
def ehrs() -> Iterator[list[FhirServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(fhir_server.serving(*charts(number))) for number in range(2)]


@pytest.fixture
def known(ehrs: list[FhirServer]) -> list[Tenant]:
    return tenants([each.base for each in ehrs])


@pytest.fixture
def clients(known: list[Tenant], tmp_path: Path) -> Path:
    file = tmp_path / "clients.yaml"
    file.write_text(json.dumps({"clients": [each.registration for each in known]}))
    return file


@pytest.fixture
def service(clients: Path, databases: Databases, tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path, databases.create(databases.name()), clients) as served:
        yield served


def test_nothing_is_lost_doubled_or_shown_to_another_tenant_though_a_worker_is_killed(
    service: Service, known: list[Tenant], ehrs: list[FhirServer]
) -> None:
    plan, seen = first_answers(service.port, known)
    assert seen.problems == []
    assert len(service.workers()) == 2
    killed: list[float] = []
    victims: list[int] = []

    def kill() -> None:
        killed.append(time.monotonic())
        victims.append(service.kill_a_worker())

    timer = threading.Timer(KILL_AFTER_S, kill)
    timer.start()
    seen.add(work(plan, THREADS, SECONDS))
    timer.join()
    service.wait_until_stored()
    assert len(service.workers()) == 2
    assert victims[0] not in service.workers()
    service.stop()

    assert seen.problems == []
    assert all(moment >= killed[0] for moment in seen.broken)
    assert len(seen.broken) <= THREADS, "only connections of the killed worker break"
    assert len(seen.given) > 50
    assert {each.tenant for each in seen.given} == {each.name for each in known}
    assert compare(service.database_url, seen.given) == []

    covered, not_covered = (plan.said[each.name, FROM_SERVER] for each in known[:2])
    assert covered != not_covered, "the tenants' own charts decide"
    for each, ehr in zip(known, ehrs, strict=False):
        assert ehr.tokens == {f"Bearer {each.access_token}"}


def test_a_service_that_is_killed_whole_stores_what_it_answered_when_it_starts_again(
    clients: Path, known: list[Tenant], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/killed.sqlite3"
    with serving(tmp_path, url, clients) as killed:
        _, seen = first_answers(killed.port, known)
        killed.kill_all()
        assert killed.left_in_spool()
    with serving(tmp_path, url, clients) as again:
        again.wait_until_stored()
    assert seen.problems == []
    assert compare(url, seen.given) == []
