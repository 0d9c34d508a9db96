"""What a hook call does about documentation: questionnaires to name, earlier answers, what is kept for later.

Nothing here may fail or delay a call: without a database there is the answer, only without what it knows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakSet

from cds_service.coverage_check.call_context import CallContext, content_of
from cds_service.coverage_check.kept_answers import attestations
from cds_service.coverage_check.order_key import order_key
from cds_service.crd.assertion import CoverageAssertion
from cds_service.decisions.attestation import Attestation, Attested
from cds_service.decisions.model import Determination, Outcome
from cds_service.dtr.model import Form
from cds_service.hooks.trust.links import Link, LinkSigner
from cds_service.orders.model import DrugOrder
from cds_service.policies.catalogue import Catalogue
from cds_service.policies.reads import types_read
from cds_service.store.model import DocumentationRequest

if TYPE_CHECKING:
    from cds_service.dtr.forms import Forms

_LOG: Final = logging.getLogger(__name__)

MOST_WAITING: Final = 500
"""Calls of which something may wait in memory while the database does not take it."""

ASKING: Final = frozenset({Outcome.DOCUMENTATION_NEEDED, Outcome.LOWER_COST_SITE})
"""Outcomes that answers to a questionnaire may change."""


class Answered(Protocol):
    """Where earlier answers and the keys of links are; `store.DocumentationStore` implements it."""

    def answers(self, order_key: str) -> Sequence[bytes]: ...
    def secrets(self) -> tuple[str, ...]: ...


class Recorder(Protocol):
    """What keeps requests for documentation; `store.DecisionRecorder` implements it."""

    def record(self, record: DocumentationRequest, /) -> None: ...


class Questionnaires:
    """The forms of a catalogue, and what hook calls leave behind for them. One instance serves all threads.

    `key` keys the names of orders; `lifetime` is how long a link and what is behind it live.
    """

    def __init__(
        self,
        forms: Forms,
        catalogue: Catalogue,
        store: Answered,
        recorder: Recorder | None = None,
        *,
        key: bytes = b"",
        public_base_url: str = "http://127.0.0.1:8000",
        lifetime: timedelta = timedelta(hours=72),
    ) -> None:
        self.forms = forms
        self.lifetime = lifetime
        self._catalogue = catalogue
        self._store = store
        self._recorder = recorder
        self._key = key if len(key) <= blake2b.MAX_KEY_SIZE else blake2b(key).digest()
        self._base_url = public_base_url.rstrip("/")
        self._waiting: WeakSet[Callable[[], bytes]] = WeakSet()
        self._signer: tuple[tuple[str, ...], LinkSigner] | None = None

    def forms_of(self, determination: Determination) -> tuple[Form, ...]:
        """The forms whose answers may change a decision, in the order of its policies."""
        if determination.outcome not in ASKING:
            return ()
        asks = {each.name for each in determination.asks}
        found: dict[str, Form] = {}
        for each in determination.policies:
            if each.outcome not in ASKING:
                continue
            form = self.forms.of(each.policy, each.version, each.statement)
            if form is not None and (each.outcome is Outcome.DOCUMENTATION_NEEDED or _asks(form, asks)):
                found.setdefault(form.canonical, form)
        return tuple(found.values())

    def attested(self, order_key: str, order: DrugOrder, alone: Determination) -> Attested | None:
        """What was answered about an order before, by policy; None when nothing was.

        `alone` is what is decided without it.
        """
        found = self.counting(self._store.answers(order_key), order, alone)
        return Attested(found) if found else None

    def counting(
        self, kept: Iterable[bytes], order: DrugOrder, alone: Determination
    ) -> dict[str, Attestation]:
        """Kept answers that count for an order as it is decided now, by policy."""
        asked = (self.forms.of(each.policy, each.version, each.statement) for each in alone.policies)
        now = {each.id: each for each in asked if each is not None}
        return attestations(kept, self.forms.by_id, now, order.service_date.date)

    def keep(self, assertion: CoverageAssertion, context: CallContext, order_key: str) -> None:
        """Have what the decision rests on kept, so that its documentation can be opened."""
        if self._recorder is None:
            return
        if len(self._waiting) >= MOST_WAITING:
            _LOG.error("documentation is not kept: too much of it waits for the database")
            return
        try:
            request = self.request(assertion, context, order_key)
            self._waiting.add(request.content)
            self._recorder.record(request)
        except Exception as error:
            _LOG.error("documentation cannot be kept error=%s", type(error).__name__)

    def request(
        self, assertion: CoverageAssertion, context: CallContext, order_key: str
    ) -> DocumentationRequest:
        """What is kept for the documentation of an assertion."""
        versions = [
            self._catalogue.policy_version(each.policy, each.version)
            for each in assertion.determination.policies
        ]
        retrieved = frozenset[str]().union(*(types_read(each.library) for each in versions if each))
        return self.request_for(assertion, context, order_key, content_of(context, retrieved))

    def request_for(
        self, assertion: CoverageAssertion, context: CallContext, order_key: str, content: Callable[[], bytes]
    ) -> DocumentationRequest:
        """The same with content that is at hand."""
        moment = datetime.now(UTC)  # the clock of the wall: `context.now` may be another day of service
        return DocumentationRequest(
            assertion_id=assertion.identifiers.assertion_id,
            order_key=order_key,
            client=context.client,
            created_at=moment,
            expires_at=moment + self.lifetime,
            content=content,
        )

    def signer(self) -> LinkSigner | None:
        """What signs and reads the links of this service; None while its keys cannot be had."""
        secrets = self._store.secrets()
        if not secrets:
            return None
        if self._signer is None or self._signer[0] != secrets:
            self._signer = secrets, LinkSigner(secrets, self.lifetime.total_seconds())
        return self._signer[1]

    def form_page(self, assertion_id: str, client: str | None) -> str | None:
        """The absolute, signed address of the form page; None while no link can be signed."""
        signer = self.signer()
        if signer is None:
            return None
        return f"{self._base_url}/forms/{signer.token(Link(assertion_id, client))}"

    def order_key(self, order: DrugOrder, context: CallContext) -> str:
        """The name of an order to which its answers belong."""
        return order_key(order, context, self._key)


def _asks(form: Form, names: set[str]) -> bool:
    return any(each.criterion in names for each in form.questions())
