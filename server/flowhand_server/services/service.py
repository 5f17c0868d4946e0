"""The one contract of all services: what is done again and again beside the requests."""

from __future__ import annotations

from typing import Final, Protocol

from sqlalchemy import Connection

CHUNK: Final = 200
"""How much one transaction of a service does at most, so that nobody waits long behind it."""
BETWEEN_CHUNKS_S: Final = 0.02


class Service(Protocol):
    """Work that is done in rounds. `Crew` starts, supervises and stops it."""

    @property
    def name(self) -> str:
        """What it is called in the log."""
        ...

    async def round(self) -> float:
        """Does what there is to do, and returns how many seconds later to come again.

        Interrupting it loses nothing: each piece of work is one transaction. What it raises is logged, and it is tried again.
        """
        ...


def leads(conn: Connection, name: str) -> bool:
    """Whether this transaction is the one that does the work of the service: among replicas one, until it is committed."""
    if conn.dialect.name != "postgresql":
        return True
    return bool(conn.exec_driver_sql("SELECT pg_try_advisory_xact_lock(hashtext(%s))", (f"flowhand {name}",)).scalar())
