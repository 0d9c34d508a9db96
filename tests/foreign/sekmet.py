"""A foreign FHIR server on loopback: `sekmet-fhir` with SMART Backend Services in front of every read."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import requests
import yaml

Json = dict[str, Any]
_SECRET = "only-for-these-tests"
_START_SECONDS = 60


class NotInstalledError(Exception):
    """The server is not installed here."""


@dataclass
class Sekmet:
    """A running server. Resources last until `hold` is called with others."""

    root: str
    expired: str
    _held: set[tuple[str, str]] = field(default_factory=set)

    @property
    def base(self) -> str:
        """The FHIR base address."""
        return f"{self.root}/fhir"

    def token(self, scope: str = "system/*.read") -> str:
        """An access token, by the client credentials grant."""
        return _token(self.root, scope)

    def hold(self, resources: Iterable[Json]) -> None:
        """Let the server hold these resources and no others."""
        by_id = {(each["resourceType"], each["id"]): each for each in resources}
        entries: list[Json] = [
            {"request": {"method": "DELETE", "url": f"{kind}/{identity}"}}
            for kind, identity in sorted(self._held - by_id.keys())
        ]
        entries += [
            {"resource": resource, "request": {"method": "PUT", "url": f"{kind}/{identity}"}}
            for (kind, identity), resource in by_id.items()
        ]
        response = requests.post(
            self.base,
            json={"resourceType": "Bundle", "type": "transaction", "entry": entries},
            headers={"Authorization": f"Bearer {self.token('system/*.*')}"},
            timeout=30,
        )
        if response.status_code != 200:
            raise RuntimeError(f"the foreign server refuses the example: {response.text[:1000]}")
        self._held = set(by_id)

    def read(self, path: str) -> Json:
        """One resource or search, with a token that may read everything."""
        authorization = {"Authorization": f"Bearer {self.token()}"}
        response = requests.get(f"{self.base}/{path}", headers=authorization, timeout=30)
        response.raise_for_status()
        document: Json = orjson.loads(response.content)
        return document


@contextmanager
def running(folder: Path, *, absolute_references: bool = False) -> Iterator[Sekmet]:
    """Start it on free ports of loopback; raises NotInstalledError.

    A second instance over the same keys gives tokens whose time is over. With `absolute_references` every
    reference is answered as a whole address, as some servers do.
    """
    command = shutil.which("sekmet", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if command is None:
        raise NotInstalledError("sekmet-fhir is not installed (pip install sekmet-fhir)")
    first, second = _free_port(), _free_port()
    base = f"http://127.0.0.1:{first}/fhir"
    behaviour = {"absolute_references": absolute_references}
    with ExitStack() as stack:
        stack.enter_context(_process(command, folder, "server", base, first, 3_600, behaviour))
        stack.enter_context(_process(command, folder, "late", base, second, -60, behaviour))
        yield Sekmet(f"http://127.0.0.1:{first}", _token(f"http://127.0.0.1:{second}", "system/*.read"))


@contextmanager
def _process(
    command: str, folder: Path, name: str, base: str, port: int, token_lifetime: int, behaviour: Json
) -> Iterator[None]:
    client = {"client_id": "tests", "client_secret": _SECRET, "scopes": "system/*.*"}
    settings = {
        "base_url": base,
        "host": "127.0.0.1",
        "port": port,
        "data_dir": str(folder),
        "db_path": str(folder / "sekmet.db"),
        "log_inbound": False,
        "server_auth": {"types": ["smart"], "smart_clients": [client], "token_lifetime": token_lifetime},
        "validation": {"inbound": "off"},
        "simulator": {"enabled": False},
        "server_behaviour": behaviour,
    }
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(settings))
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [command, "serve", "--config", str(file)], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait(port, process, folder / f"{name}.log")
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def _token(root: str, scope: str) -> str:
    response = requests.post(
        f"{root}/auth/token",
        data={"grant_type": "client_credentials", "scope": scope},
        auth=("tests", _SECRET),
        timeout=30,
    )
    response.raise_for_status()
    token: str = response.json()["access_token"]
    return token


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the foreign server does not start: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
