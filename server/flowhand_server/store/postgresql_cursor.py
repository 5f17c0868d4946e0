"""The cursors of PostgreSQL that SQLAlchemy is given: statements of the driver's own beside those of a pipeline (`postgresql_pipeline`).

A plain statement wants to know its result at once; it waits. What was sent before is waited for first, but BEGIN, which travels with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable
from typing import Any, Final

import psycopg

from .postgresql_pipeline import first_of

_SAVEPOINTS: Final = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
"""They go by the pipeline too: the driver has all that is prepared deallocated when a statement of its own rolls something back."""


def _is_savepoints(query: object) -> bool:
    return isinstance(query, str) and query.startswith(_SAVEPOINTS)


@contextlib.contextmanager
def _beside(driver: Any) -> Generator[None]:
    """Has the driver speak on a connection, in the transaction that goes by its pipeline if one does."""
    line = driver.open_line
    begin = line.step_aside() if line else None
    if begin is None:
        yield
        return
    try:
        with driver.pipeline():
            psycopg.Cursor(driver).execute(begin.encode())
            yield
    except psycopg.errors.PipelineAborted as error:
        raise first_of(error) from None


class PlainCursor(psycopg.Cursor[Any]):
    """Done when it returns, in the order of what was sent."""

    def execute(self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None) -> PlainCursor:
        """See psycopg: the result, or the error, is known when it returns. So is that of what was sent before."""
        connection: Any = self.connection
        line = connection.open_line
        if line and _is_savepoints(query):
            line.settle()
            line.say(query)
            return self
        with _beside(connection):
            super().execute(query, params, prepare=prepare, binary=binary)
        return self

    def executemany(self, query: Any, params_seq: Iterable[Any], *, returning: bool = False) -> None:
        """See psycopg: done when it returns."""
        with _beside(self.connection):
            super().executemany(query, params_seq, returning=returning)


class StreamingCursor(psycopg.ServerCursor[Any]):
    """A cursor in the server, for results that are read bit by bit. There is none in a pipeline (psycopg, "Pipeline mode limitations")."""

    def execute(self, query: Any, params: Any = None, *, binary: bool | None = None, **options: Any) -> StreamingCursor:
        """See psycopg. What is under way is done before, and the rest of the transaction is no pipeline."""
        connection: Any = self.connection
        line = connection.open_line
        begin = line.leave() if line else None
        if begin is not None:
            psycopg.Cursor(connection).execute(begin.encode())
        return super().execute(query, params, binary=binary, **options)
