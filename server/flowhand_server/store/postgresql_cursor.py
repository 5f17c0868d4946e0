"""The cursors of PostgreSQL: a write transaction is one pipeline, and only what is asked for is waited for.

In a pipeline (PostgreSQL manual, libpq pipeline mode) a statement is sent without waiting for the one before it. So BEGIN travels with the
first statement, writes with the next read or with COMMIT, and a transaction waits for the network once for each thing that it has to know.
A plain statement of SQLAlchemy wants to know its result at once; it waits. A `Prepared` statement waits when its rows are asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg


@dataclass(frozen=True, slots=True)
class _UnderWay:
    pipeline: psycopg.Pipeline
    until: contextlib.ExitStack
    """Ends it."""


_under_way: Final[WeakKeyDictionary[psycopg.Connection[Any], _UnderWay]] = WeakKeyDictionary()


@contextlib.contextmanager
def pipelined(driver: psycopg.Connection[Any]) -> Generator[None]:
    """Has what is done on a connection be one pipeline. All of it is done when the block ends; psycopg.Error when something was not."""
    with contextlib.ExitStack() as until:
        _under_way[driver] = _UnderWay(until.enter_context(driver.pipeline()), until)
        try:
            yield
        finally:
            _under_way.pop(driver, None)


class PipelineCursor(psycopg.Cursor[Any]):
    """Waits for each result in a pipeline too, but for what is given to `send`."""

    def execute(self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None) -> PipelineCursor:
        """See psycopg: the result, or the error, is known when it returns."""
        super().execute(query, params, prepare=prepare, binary=binary)
        self._await()
        return self

    def executemany(self, query: Any, params_seq: Iterable[Any], *, returning: bool = False) -> None:
        """See psycopg: done when it returns."""
        super().executemany(query, params_seq, returning=returning)
        self._await()

    def _await(self) -> None:
        under_way = _under_way.get(self.connection)
        if under_way is not None:
            under_way.pipeline.sync()

    def send(self, query: Any, params: Mapping[str, Any] | None) -> None:
        """As `execute`, but in a pipeline it returns at once; errors are raised by whatever waits next."""
        super().execute(query, params)

    def send_each(self, query: Any, rows: Iterable[Mapping[str, Any]]) -> None:
        """As `executemany`, in the same way."""
        super().executemany(query, rows)


class StreamingCursor(psycopg.ServerCursor[Any]):
    """A cursor in the server, for results that are read bit by bit. There is none in a pipeline (psycopg, "Pipeline mode limitations")."""

    def execute(self, query: Any, params: Any = None, *, binary: bool | None = None, **options: Any) -> StreamingCursor:
        """See psycopg. What is under way is done before, and the rest of the transaction is no pipeline."""
        under_way = _under_way.pop(self.connection, None)
        if under_way is not None:
            under_way.until.close()
        return super().execute(query, params, binary=binary, **options)
