"""The CDS services that this server offers, and what discovery says of them."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from typing import Any

import orjson

from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.prefetch import offered


@functools.cache
def services() -> Mapping[str, Mapping[str, Any]]:
    """CDS service id to its description, from services.json."""
    text = resources.files("cds_service.hooks").joinpath("services.json").read_bytes()
    data: dict[str, dict[str, Any]] = orjson.loads(text)
    return data


def hook_of(service_id: str) -> str:
    """The hook that a CDS service serves; raises RequestError (UNKNOWN_SERVICE)."""
    if service_id not in services():
        raise RequestError(
            "CDS-1404",
            f"No such CDS service. Offered: {', '.join(services())}.",
            kind=ErrorKind.UNKNOWN_SERVICE,
        )
    hook: str = services()[service_id]["hook"]
    return hook


def _prefetch(hook: str, records: Collection[str] | None) -> dict[str, dict[str, str]]:
    found = dict(offered(hook, records))
    return {"prefetch": found} if found else {}


def discovery(supported_versions: Sequence[str], records: Collection[str] | None = None) -> dict[str, Any]:
    """The discovery document (CDS Hooks 2.0, Discovery; CRD: versions and configuration options).

    `records` are the types of records that the policies on file read; None asks for all of them.
    """
    return {
        "services": [
            {
                "hook": service["hook"],
                "title": service["title"],
                "description": service["description"],
                "id": service_id,
                **_prefetch(service["hook"], records),
                "usageRequirements": service["usageRequirements"],
                "extension": {
                    "davinci-crd.version": list(supported_versions),
                    "davinci-crd.configuration-options": service["configuration_options"],
                },
            }
            for service_id, service in services().items()
        ]
    }
