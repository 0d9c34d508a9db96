"""What can go wrong with the store, in words that may be logged."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used; the message holds no record data and no password."""


class StoreConfigurationError(StoreError):
    """The database URL is unusable: malformed, an unsupported database, or its driver is missing."""


def summarise(error: BaseException) -> str:
    """The kind of a database error, for health pages that anybody may read: no host, user or file."""
    if isinstance(error, StoreError):
        return str(error)
    origin = _origin(error)
    state = getattr(origin, "sqlstate", None)
    return f"{type(origin).__name__} (SQLSTATE {state})" if state else type(origin).__name__


def describe(error: BaseException) -> str:
    """One line about a database error for logs, without data of any record.

    Statements and parameters are never shown. The driver's own words appear only for operational errors
    (cannot connect, locked, disk full), which speak of the server and not of rows.
    """
    origin = _origin(error)
    lines = str(origin).strip().splitlines()
    if lines and (type(origin).__name__ == "OperationalError" or isinstance(origin, OSError)):
        return f"{summarise(error)}: {lines[0]}"
    return summarise(error)


def _origin(error: BaseException) -> BaseException:
    return getattr(error, "orig", None) or error


# SQLSTATE classes of PostgreSQL that speak of the server and not of the rows: connection, read-only,
# serialization, missing table or right, shortage, shutdown, system error.
_SERVER_STATES = ("08", "25", "40", "42", "53", "57", "58")


def is_worth_trying_again(error: BaseException) -> bool:
    """True when the database, and not the data given to it, is at fault: later the same may succeed."""
    if isinstance(error, OSError | StoreError):
        return True
    from sqlalchemy import exc

    if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError):
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or state[:2] in _SERVER_STATES
