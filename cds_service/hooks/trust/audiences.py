"""The addresses that `aud` may name: those of the endpoint that is called."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

ROOT: Final = "/cds-services"
_FEEDBACK: Final = "/feedback"


@functools.lru_cache(maxsize=256)
def audiences(bases: Sequence[str], path: str) -> frozenset[str]:
    """All addresses that reach this path here, for each public base address; path without needless slashes.

    CDS Hooks 2.0: the address of the endpoint, exactly. A client that was given the discovery address
    with a slash at the end calls `…/cds-services//{id}` and says so. A call of `…/feedback` may name its
    service instead, because the specification leaves that open.
    """
    paths = [path]
    if path.endswith(_FEEDBACK):
        paths.append(path.removesuffix(_FEEDBACK))
    spelled = set()
    for each in paths:
        double = ROOT + "/" + each.removeprefix(ROOT) if each.startswith(ROOT + "/") else each
        spelled |= {each, each + "/", double, double + "/"}
    return frozenset(base + each for base in bases for each in spelled)
