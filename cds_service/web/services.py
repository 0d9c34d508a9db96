"""What the views need, put together once by `cds_service.app` and handed to them by the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol, cast

from flask import current_app

from cds_service.hooks.reading import RequestLimits
from cds_service.settings import Settings
from cds_service.web.measures import Measures

if TYPE_CHECKING:
    from cds_service.coverage_check import CoverageCheck
    from cds_service.coverage_check.documentation import Documentation
    from cds_service.dtr.forms import Forms
    from cds_service.dtr.package import Packages
    from cds_service.hooks.trust.authentication import Authentication
    from cds_service.hooks.trust.backend_services import BackendServices
    from cds_service.policies.catalogue import Catalogue
    from cds_service.store.model import Record, RecorderStatus
    from cds_service.store.payload import PayloadVault

EXTENSION: Final = "cds_service"


def _forget(*records: Record) -> None:
    """Where nothing is kept."""


class Keep(Protocol):
    """Takes the records of one call together."""

    def __call__(self, *records: Record) -> None: ...


@dataclass(frozen=True, slots=True)
class Services:
    """The loaded catalogue, the coverage check over it, and the state of the decision store.

    `documentation`, `forms` and `packages` are there in every application that `app.create_app` makes.
    `access` reads the access tokens of FHIR calls; None in open mode. `public_base_url` has no slash at the
    end; `started_at` is when the catalogue was loaded.
    """

    settings: Settings
    catalogue: Catalogue
    check: CoverageCheck
    store_status: Callable[[], RecorderStatus]
    limits: RequestLimits
    authentication: Authentication | None = None
    record: Keep = _forget
    measures: Measures = field(default_factory=Measures)
    vault: PayloadVault | None = None
    documentation: Documentation | None = None
    forms: Forms | None = None
    packages: Packages | None = None
    access: BackendServices | None = None
    public_base_url: str = "http://127.0.0.1:8000"
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """The time of this call, in the configured time zone."""
        return datetime.now(self.settings.time_zone)

    def of_forms(self) -> tuple[Forms, Packages]:
        """The forms and what packages them; raises RuntimeError in an application without."""
        if self.forms is None or self.packages is None:
            raise RuntimeError("this application has no forms")
        return self.forms, self.packages


def services() -> Services:
    """The services of the application that handles the current request."""
    return cast(Services, current_app.extensions[EXTENSION])
