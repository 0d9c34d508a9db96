"""From a QuestionnaireResponse of any client to the answers that the rules take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cds_service.dtr.model import Form

MAX_ATTACHMENT_BYTES: Final = 2_097_152


class ResponseError(Exception):
    """A response that is invalid for its form. `element` is a FHIRPath; neither quotes an answer."""

    def __init__(self, element: str, text: str) -> None:
        super().__init__(f"{element}: {text}")
        self.element = element
        self.text = text


@dataclass(frozen=True, slots=True)
class Answers:
    """What a response answers.

    `values` are by CQL definition ("Name" or "Alias.Name"), as `EvaluationInput.answers` takes them: only
    answers to questions that are asked (enabled), and that say something. `given` are all answers that were
    read by link id, in the order given: bool, Quantity, Date, the code of an option ("system|code"), text, or
    Attachment; `undocumented` are link ids of the questions whose answer needs a document that is not there.
    """

    form: Form
    values: Mapping[str, Any]
    undocumented: tuple[str, ...] = ()
    given: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def is_answered(self, link_id: str) -> bool:
        """Whether a question has an answer."""
        return bool(self.given.get(link_id))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that came with an answer; `size` is that of the content in bytes, None behind a url.

    A url is never fetched: where a document is due, only content that came along or a reference to a
    resource of the client counts.
    """

    content_type: str
    title: str | None = None
    size: int | None = None
    url: str | None = None


def read_answers(
    form: Form, response: Mapping[str, Any], *, max_attachment_bytes: int = MAX_ATTACHMENT_BYTES
) -> Answers:
    """Read a response: lenient about what does not matter, strict about what decides.

    Items may be nested as in the Questionnaire or flat; unknown extensions and elements are passed over, as
    are answers to questions that are not asked (disabled). Free text is kept and never interpreted.
    Raises ResponseError for an unknown linkId, a value of another type, an option that is none, a unit that
    is no UCUM or cannot be converted, several answers where one is due, and a document that is too big.
    """
    raise NotImplementedError
