"""The cursors of PostgreSQL: a transaction is one pipeline, reading or writing, and only what is asked for is waited for.

In a pipeline (PostgreSQL manual, libpq pipeline mode) a statement is sent without waiting for the one before it. So BEGIN travels with the
first statement, writes with the next read or with COMMIT, and a transaction waits for the network once for each thing that it has to know.
A plain statement of SQLAlchemy wants to know its result at once; it waits. A `Prepared` statement waits when its rows are asked for.

After an error the server ignores all that was sent behind it until a Sync. So whatever raises the error sends one: the next statement is
heard again, and may be ROLLBACK TO SAVEPOINT.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import PipelineStatus


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


def settle(driver: psycopg.Connection[Any]) -> None:
    """Waits until all that is under way on a connection is done. psycopg.Error: the first of it that was not."""
    with _heard_again(driver):
        _sync(driver)


def first_of(error: psycopg.Error) -> psycopg.Error:
    """Where a pipeline ended with "aborted": the error that aborted it, if the driver has met it on the way."""
    cause: BaseException | None = error
    while isinstance(cause, psycopg.errors.PipelineAborted):
        cause = cause.__context__
    return cause if isinstance(cause, psycopg.Error) else error


def _sync(driver: psycopg.Connection[Any]) -> None:
    under_way = _under_way.get(driver)
    if under_way is not None:
        under_way.pipeline.sync()


@contextlib.contextmanager
def _heard_again(driver: psycopg.Connection[Any]) -> Generator[None]:
    """Has a pipeline go on after an error, which is raised all the same."""
    try:
        yield
    except psycopg.Error:
        under_way = _under_way.get(driver)
        if under_way is not None:
            while under_way.pipeline.status is PipelineStatus.ABORTED and not driver.closed:
                with contextlib.suppress(psycopg.Error):  # of each statement that was ignored, one after the other
                    under_way.pipeline.sync()
            # PREPARE may have been among them, which the driver believes was done; there is no public way to have it forget
            driver._prepared.clear()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - see above
        raise


class PipelineCursor(psycopg.Cursor[Any]):
    """Waits for each result in a pipeline too, but for what is given to `send`."""

    def execute(self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None) -> PipelineCursor:
        """See psycopg: the result, or the error, is known when it returns. So is that of what was sent before."""
        with _heard_again(self.connection):
            super().execute(query, params, prepare=prepare, binary=binary)
            _sync(self.connection)
        return self

    def executemany(self, query: Any, params_seq: Iterable[Any], *, returning: bool = False) -> None:
        """See psycopg: done when it returns."""
        with _heard_again(self.connection):
            super().executemany(query, params_seq, returning=returning)
            _sync(self.connection)

    def send(self, query: Any, params: Mapping[str, Any] | None) -> None:
        """As `execute`, but in a pipeline it returns at once; errors are raised by whatever waits next."""
        with _heard_again(self.connection):
            super().execute(query, params)

    def send_each(self, query: Any, rows: Iterable[Mapping[str, Any]]) -> None:
        """As `executemany`, in the same way."""
        with _heard_again(self.connection):
            super().executemany(query, rows)

    def fetchone(self) -> Any:
        """See psycopg. Waits for what was given to `send`."""
        with _heard_again(self.connection):
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        """See psycopg. Waits in the same way."""
        with _heard_again(self.connection):
            return super().fetchall()


class StreamingCursor(psycopg.ServerCursor[Any]):
    """A cursor in the server, for results that are read bit by bit. There is none in a pipeline (psycopg, "Pipeline mode limitations")."""

    def execute(self, query: Any, params: Any = None, *, binary: bool | None = None, **options: Any) -> StreamingCursor:
        """See psycopg. What is under way is done before, and the rest of the transaction is no pipeline."""
        under_way = _under_way.pop(self.connection, None)
        if under_way is not None:
            under_way.until.close()
        return super().execute(query, params, binary=binary, **options)
