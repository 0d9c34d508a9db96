"""A PostgreSQL server of the tests' own: started from installed binaries, thrown away afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SUPERUSER = "cds"


class NoServerBinariesError(Exception):
    """initdb and pg_ctl are not installed here."""


def find_binaries() -> Path:
    """The folder with initdb and pg_ctl: CDS_TEST_POSTGRESQL_BIN, the newest Debian package, or the PATH."""
    chosen = os.environ.get("CDS_TEST_POSTGRESQL_BIN")
    on_path = shutil.which("initdb")
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    candidates = [Path(chosen)] if chosen else [*packaged, *([Path(on_path).parent] if on_path else [])]
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise NoServerBinariesError(
        "initdb and pg_ctl were not found; install PostgreSQL or set CDS_TEST_POSTGRESQL_BIN"
    )


@contextmanager
def temporary_server() -> Iterator[str]:
    """Run a server; yields the start of its URLs, "postgresql+psycopg://cds@127.0.0.1:PORT"."""
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="cds-pg-"))
    become = _other_user(folder)
    data = folder / "data"
    control = [*become, str(binaries / "pg_ctl"), "-D", str(data), "-w", "-t", "60"]
    port = _free_port()
    options = f"-F -p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=50"
    try:
        settings = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        _run([*become, str(binaries / "initdb"), "-D", str(data), *settings], folder)
        _run([*control, "-o", options, "-l", str(folder / "log"), "start"], folder)
        try:
            yield f"postgresql+psycopg://{SUPERUSER}@127.0.0.1:{port}"
        finally:
            _run([*control, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: hand the folder to another user and run as that one."""
    if os.geteuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, account.pw_uid, account.pw_gid)
        return ["runuser", "-u", name, "--"]
    raise NoServerBinariesError("neither the user postgres nor nobody exists to run a server as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: Sequence[str], folder: Path) -> None:
    with (folder / "output").open("a+") as output:
        done = subprocess.run(command, cwd=folder, stdout=output, stderr=output, timeout=120, check=False)
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"{command[-1]} failed: {output.read()[-2000:]}")
