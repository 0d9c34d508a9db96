"""The keys of every registered client, read when first needed."""

from __future__ import annotations

import logging
import threading
from weakref import WeakKeyDictionary

from cds_service.hooks.trust.clients import Client
from cds_service.hooks.trust.errors import KeysUnavailableError
from cds_service.hooks.trust.fetch import Fetch
from cds_service.hooks.trust.keys import FixedKeys, KeySource, NoKeys, read_key_file, read_key_set
from cds_service.hooks.trust.remote_keys import RemoteKeys

logger = logging.getLogger(__name__)


class KeyRing:
    """Key sources by client. An address is fetched once for all clients that share it."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._remote: dict[str, RemoteKeys] = {}
        self._fixed: WeakKeyDictionary[Client, KeySource] = WeakKeyDictionary()

    def of(self, client: Client) -> KeySource:
        """Where the keys of this client come from; a set that cannot be used is reported once, in the log."""
        if url := client.jwks_url:
            with self._lock:
                return self._remote.setdefault(url, RemoteKeys(url, self._fetch))
        with self._lock:
            if client not in self._fixed:
                self._fixed[client] = _read(client)
            return self._fixed[client]


def _read(client: Client) -> KeySource:
    try:
        if client.jwks_file:
            return FixedKeys(read_key_file(client.jwks_file))
        return FixedKeys(read_key_set(client.jwks or {}))
    except KeysUnavailableError as error:
        logger.error("keys of a client cannot be used", extra={"client": client.issuer, "reason": str(error)})
        return NoKeys(str(error))
