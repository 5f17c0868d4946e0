"""What PostgreSQL's errors mean. The driver is not needed to say so."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, OperationalError

FORGOTTEN: Final = "26000"
"""The SQLSTATE of a prepared statement that the database does not have (any more): somebody deallocated it."""
REPEATED: Final = frozenset({"40001", "40P01", "23505", FORGOTTEN})
"""SQLSTATEs that another try mends: a serialization failure, a deadlock, a key that somebody else took first and that the transaction, run
again, will find (PostgreSQL manual, appendix A), and a forgotten statement, for which a new connection is made."""


def must_be_repeated(error: DBAPIError) -> bool:
    """Whether the transaction is to be run again from its start."""
    return getattr(error.orig, "sqlstate", None) in REPEATED


def has_forgotten(error: BaseException) -> bool:
    """Whether the database does not have a statement that was prepared; `error` is the driver's."""
    return getattr(error, "sqlstate", None) == FORGOTTEN


def unavailable(error: DBAPIError) -> bool:
    """Whether the database could not be asked, rather than the statement being wrong: no connection, shutting down, out of resources."""
    if isinstance(error, DataError):
        return False  # the driver's own have no state: a NUL in a text, which no database was asked about
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or not state or state[:2] in {"08", "53", "57", "58"}


def in_trouble(error: Exception) -> bool:
    """Whether it is the database's own trouble, on either database, so that another try may succeed, and not what it was told to do.

    The driver counts among its own troubles also a value that is too long for an index (SQLSTATE class 54), which remains so.
    """
    return isinstance(error, OperationalError) and not (getattr(error.orig, "sqlstate", None) or "").startswith("54")


def in_words(error: Exception) -> str:
    """The first line of what the driver says, which holds no password."""
    return str(getattr(error, "orig", error)).strip().splitlines()[0]
