"""Which CRD version an exchange speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cds_service.hooks.errors import ErrorKind, RequestError

REQUESTED_VERSION: Final = "davinci-crd.requestedVersion"
CONFIGURATION: Final = "davinci-crd.configuration"


def negotiate(extension: Mapping[str, Any], supported: Sequence[str], default: str) -> str:
    """The version the client asked for, else `default`: clients before CRD 2.2 cannot ask.

    Raises RequestError for a version that is not supported (CRD 2.2, requestedVersion: an error is
    mandatory, its status is free).
    """
    if REQUESTED_VERSION not in extension or extension[REQUESTED_VERSION] is None:
        return default
    requested = extension[REQUESTED_VERSION]
    if isinstance(requested, str) and requested in supported:
        return requested
    path = f"extension.{REQUESTED_VERSION}"
    if not isinstance(requested, str):
        raise RequestError("CDS-1011", f'{path} must be text such as "{supported[-1]}".', (path,))
    raise RequestError(
        "CDS-1020",
        f"{path} names a CRD version that is not supported. Supported: {', '.join(supported)}.",
        (path,),
        ErrorKind.VERSION_NOT_SUPPORTED,
    )
