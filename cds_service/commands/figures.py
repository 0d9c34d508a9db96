"""Where the worker processes of one server meet to count: the folder that prometheus_client asks for."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def figures_folder() -> Iterator[Path]:
    """An empty folder for the figures of all workers, named by the variable before anything reads it.

    A folder that the operator names is made and cleared of earlier figures, and stays. Otherwise a
    temporary one is used, in memory where that can be, and removed by the process that made it.
    """
    if named := os.environ.get(VARIABLE):
        folder = Path(named)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.db"):
            old.unlink()
        yield folder
        return
    memory = Path("/dev/shm")  # noqa: S108 (the folder made inside is our own)
    inside = memory if os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="cds-service-", dir=inside))
    owner = os.getpid()
    os.environ[VARIABLE] = str(folder)
    try:
        yield folder
    finally:
        if os.getpid() == owner:
            os.environ.pop(VARIABLE, None)
            shutil.rmtree(folder, ignore_errors=True)


def forget_worker(server: Any, worker: Any) -> None:
    """gunicorn's child_exit: what a worker that has ended showed as its present state counts no more."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
