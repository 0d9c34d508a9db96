"""Reading and keeping the documentation of orders, while somebody waits for it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from cds_service.store.database import parse_url, writing
from cds_service.store.decisions import insert
from cds_service.store.errors import StoreError, describe
from cds_service.store.keys import all_keys
from cds_service.store.model import DecisionRecord, DocumentationRequest, Record, StoredResponse
from cds_service.store.payload import PayloadVault
from cds_service.store.rows import table_rows
from cds_service.store.schema import documentation_request, questionnaire_response
from cds_service.store.upgrade import open_current, waiting

log = logging.getLogger(__name__)

COMPLETED: Final = "completed"
DRAFT: Final = "in-progress"

_BUSY_TIMEOUT_MS: Final = 2_000
_PAUSE_S: Final = 5.0  # hook calls leave a database alone for this long after a failure
_MOST_RESPONSES: Final = 50  # of one order
_PATIENCE_MS: Final = 5_000  # for one statement on PostgreSQL
_CONNECT_S: Final = 2
_LATEST_ANSWERS: Final = (
    "SELECT form, answers FROM questionnaire_response WHERE order_key = ? AND status = 'completed' "
    "ORDER BY updated_at DESC, id LIMIT 50"
)


class RequestFound(NamedTuple):
    """A request for documentation, opened; `content` is the JSON that was recorded."""

    assertion_id: str
    order_key: str
    client: str | None
    created_at: datetime
    expires_at: datetime
    content: bytes


class DocumentationStore:
    """What is kept of the documentation of orders. Threads may share it.

    It connects with the first use in each process. `payload_keys` encrypt; without them the database's own
    key does. Methods raise StoreError, SQLAlchemyError or OSError when the database cannot be used, all but
    those that say otherwise.
    """

    def __init__(self, url: str, payload_keys: Sequence[str] = ()) -> None:
        self._url = url
        self._payload_keys = tuple(payload_keys)
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._engine: Engine | None = None
        self._keys: tuple[str, ...] = ()
        self._vault: PayloadVault | None = None
        self._closed_until = 0.0

    # -- for calls that must not fail or wait ------------------------------------------------------------

    def answers(self, order_key: str) -> list[bytes]:
        """The latest completed answers of an order, one for each form, without the responses themselves.

        Empty when there are none and when the database cannot tell; never raises.
        """
        if os.getpid() == self._process and time.monotonic() < self._closed_until:
            return []
        try:
            return self._answers(order_key)
        except Exception as error:  # whatever the driver raises: the call needs an answer
            self._closed_until = time.monotonic() + _PAUSE_S
            log.error("answers cannot be looked up: %s", describe(error))
            return []

    def secrets(self) -> tuple[str, ...]:
        """The keys that links are signed by, the first one signs; none when nobody can tell. Never raises."""
        if os.getpid() == self._process and time.monotonic() < self._closed_until:
            return ()
        try:
            self._opened()
            return self._keys
        except Exception as error:
            self._closed_until = time.monotonic() + _PAUSE_S
            log.error("the keys of links cannot be had: %s", describe(error))
            return ()

    def _answers(self, order_key: str) -> list[bytes]:
        """One statement on a bare connection: SQLAlchemy's own way takes ten times as long, and gives the
        interpreter lock away several times, which the writer thread then keeps."""
        engine = self._opened()
        statement = _LATEST_ANSWERS
        if engine.dialect.name == "postgresql":
            statement = statement.replace("?", "%s")
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(statement, (order_key,))
            rows = cursor.fetchall()
        finally:
            connection.close()
        found: dict[str, bytes] = {}
        for form, sealed in rows:
            if form not in found:
                try:
                    found[form] = self._unsealed(sealed)
                except StoreError as error:
                    log.error("kept answers cannot be read: %s", error)
        return list(reversed(found.values()))

    # -- for doors of documentation ----------------------------------------------------------------------

    def request(self, assertion_id: str) -> RequestFound | None:
        """The request behind a coverage-assertion-id, or None; expired ones too."""
        wanted = select(documentation_request).where(documentation_request.c.assertion_id == assertion_id)
        with self._opened().connect() as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None:
            return None
        kept = {name: row[name] for name in RequestFound._fields if name != "content"}
        return RequestFound(**kept, content=self._unsealed(row["sealed"]))

    def completed(self, order_key: str) -> list[StoredResponse]:
        """The latest completed response of an order for each form, oldest first, without their content."""
        table = questionnaire_response
        columns = [each for each in table.columns if each is not table.c.sealed]
        wanted = (
            select(*columns)
            .where(table.c.order_key == order_key, table.c.status == COMPLETED)
            .order_by(table.c.updated_at.desc(), table.c.id)
            .limit(_MOST_RESPONSES)
        )
        with self._opened().connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        latest: dict[str, Mapping[Any, Any]] = {}
        for row in rows:
            latest.setdefault(row["form"], row)
        return [each for row in reversed(latest.values()) if (each := self._response(row)) is not None]

    def latest(self, order_key: str, form: str) -> StoredResponse | None:
        """The draft of an order for a form, else its latest completed response, whole; or None."""
        table = questionnaire_response
        wanted = (
            select(table)
            .where(table.c.order_key == order_key, table.c.form == form)
            .order_by((table.c.status == DRAFT).desc(), table.c.updated_at.desc(), table.c.id)
            .limit(1)
        )
        with self._opened().connect() as connection:
            row = connection.execute(wanted).mappings().first()
        return None if row is None else self._response(row)

    def save_draft(self, response: StoredResponse) -> None:
        """Keep a draft in place of the one before."""
        with writing(self._opened()).begin() as connection:
            self._put(connection, response)

    def submit(
        self,
        responses: Sequence[StoredResponse],
        decision: DecisionRecord,
        request: DocumentationRequest | None,
    ) -> None:
        """Keep completed responses with the decision that they led to, and drop their drafts; all or nothing.

        `request` is kept with them where the decision asks for more.
        """
        engine = self._opened()
        records: list[Record] = [decision] if request is None else [decision, request]
        rows = list(table_rows(records, self._sealer().seal_one))
        with writing(engine).begin() as connection:
            for each in sorted(responses, key=lambda response: response.id):
                self._put(connection, each)
                drafts = questionnaire_response.c
                connection.execute(
                    delete(questionnaire_response).where(
                        drafts.order_key == each.order_key,
                        drafts.form == each.form,
                        drafts.status == DRAFT,
                    )
                )
            for table, new in rows:
                connection.execute(insert(engine, table), new)

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def _put(self, connection: Connection, response: StoredResponse) -> None:
        vault = self._sealer()
        row: dict[str, Any] = {
            "id": response.id,
            "assertion_id": response.assertion_id,
            "order_key": response.order_key,
            "form": response.form,
            "form_version": response.form_version,
            "client": response.client,
            "status": response.status,
            "updated_at": response.updated_at,
            "decided_assertion_id": response.decided_assertion_id,
            "answers": vault.seal_one(response.answers),
            "sealed": vault.seal_one(response.response),
        }
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(questionnaire_response).values(row)
        new = {name: statement.excluded[name] for name in row if name != "id"}
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=new))

    def _response(self, row: Mapping[Any, Any]) -> StoredResponse | None:
        """A row opened; None, and a word in the log, for one that no key opens any more."""
        kept = {name: row[name] for name in row if name not in ("answers", "sealed")}
        try:
            response = StoredResponse(**kept, answers=self._unsealed(row["answers"]))
            if "sealed" in row:
                response = replace(response, response=self._unsealed(row["sealed"]))
        except StoreError as error:
            log.error("a kept response cannot be read: %s", error)
            return None
        return response

    def _unsealed(self, sealed: bytes) -> bytes:
        return self._sealer().open_one(bytes(sealed))

    def _sealer(self) -> PayloadVault:
        if self._vault is None:
            self._opened()
            self._vault = PayloadVault(self._keys)
        return self._vault

    def _opened(self) -> Engine:
        if os.getpid() != self._process:
            self._leave_to_parent()
        with self._lock:
            if self._engine is None:
                engine = open_current(_impatient(self._url), waiting(_BUSY_TIMEOUT_MS))
                try:
                    self._keys = all_keys(engine, self._payload_keys)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine

    def _leave_to_parent(self) -> None:
        """After a fork: the connections belong to the parent, and so may the lock."""
        if self._engine is not None:
            self._engine.dispose(close=False)
        self._lock = threading.Lock()
        self._reset()


def _impatient(url: str) -> str:
    """PostgreSQL with limits on how long a connection and a statement may take."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "postgresql":
        wanted = {"connect_timeout": str(_CONNECT_S), "options": f"-c statement_timeout={_PATIENCE_MS}"}
        parsed = parsed.update_query_dict(
            {key: value for key, value in wanted.items() if key not in parsed.query}
        )
    return parsed.render_as_string(hide_password=False)
