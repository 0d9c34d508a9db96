"""QuestionnaireResponses that this service makes: the draft of a package, and what a form page was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from cds_service.dtr.model import Form

if TYPE_CHECKING:
    from cds_service.dtr.versions import DtrVersion

Status = Literal["in-progress", "completed", "amended"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a response is about, each as the EHR names it: never an address of this service."""

    patient: str  # "Patient/pat-1"
    coverage: str  # "Coverage/cov-1"
    order: str | None  # "MedicationRequest/mr-1"


@dataclass(frozen=True, slots=True)
class Author:
    """Who answered: role (system, code, display), and the practitioner as the EHR names them."""

    role: tuple[str, str, str] = (
        "http://terminology.hl7.org/CodeSystem/practitioner-role",
        "doctor",
        "Doctor",
    )
    practitioner: str | None = None


def draft(
    form: Form, version: DtrVersion, subject: Subject, prefilled: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """The response to begin with: `prefilled` are values by link id (bool, Quantity, Date, an Option, text).

    Items are nested like those of the Questionnaire. Prefilled answers carry the origin "auto" (2.0.1) or
    "auto-server" (2.2), and no author.
    """
    raise NotImplementedError


def completed(
    form: Form,
    version: DtrVersion,
    subject: Subject,
    given: Mapping[str, Any],
    prefilled: Mapping[str, Any],
    now: datetime,
    *,
    author: Author | None = None,
    status: Status = "completed",
) -> dict[str, Any]:
    """The response of somebody who filled the form in: `given` by link id, one value or a list of them.

    Values are as in `draft`, a document is {"contentType", "data" (base64), "title"}. An answer equal to the
    prefilled one keeps the origin auto; one that differs is an "override"; any other is "manual".
    """
    raise NotImplementedError
