"""A transaction on PostgreSQL as one pipeline: what is sent waits for nobody, and goes out with the next thing that has to be known.

In a pipeline (PostgreSQL manual, libpq pipeline mode) a statement is sent without waiting for the one before it. So BEGIN travels with the
first question, writes with the next question or with COMMIT, and a transaction waits for the network once for each thing that it has to
know. The statements are given to libpq itself (`psycopg.pq`): the driver's cursors take several times as long to describe a statement as
the database takes to execute it, and write each to the socket by itself, which wakes the database's process each time.

Each wait ends with a Sync: after an error the server ignores what was sent behind it, and hears what comes after the Sync, which may be
ROLLBACK TO SAVEPOINT. A statement of the driver's own is none of the pipeline: what is under way is waited for before.
"""

from __future__ import annotations

import contextlib
import select
from collections import OrderedDict, deque
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus

KNOWN: Final = 128
"""Statements that each connection keeps prepared."""


class Reply:
    """What becomes of one statement: known once it was waited for."""

    __slots__ = ("_line", "_place", "_result")

    def __init__(self, line: Line) -> None:
        self._line = line
        self._place = 0
        self._result: Any = None

    def arrive(self, result: Any) -> None:
        """The database's answer."""
        self._result = result

    @property
    def tag(self) -> bytes | None:
        """What the database says that it has done, like COMMIT. Does not wait."""
        return None if self._result is None else self._result.command_status

    def fetchone(self) -> Any:
        """The next row, or None. Waits for it; psycopg.Error if this failed, or what was sent before."""
        result = self._known()
        if self._place >= result.ntuples:
            return None
        self._place += 1
        return self._line.rows(result, self._place - 1, self._place)[0]

    def fetchall(self) -> list[Any]:
        """All rows that are left. Waits in the same way."""
        result = self._known()
        first, self._place = self._place, result.ntuples
        return self._line.rows(result, first, self._place)

    def _known(self) -> Any:
        if self._result is None:
            self._line.settle()
        if self._result is None:
            raise psycopg.InterfaceError("the statement was not executed: one before it has failed")
        return self._result


class Line:
    """One connection's pipeline, for one transaction after the other. `begin` opens a transaction, the last three end it.

    Everything but `begin`, `send` and `say` may wait, and raises psycopg.Error for the first of what was under way that failed.
    """

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._pgconn = driver.pgconn
        self._values = Transformer(driver)
        self._prepared: OrderedDict[str, bytes] = OrderedDict()
        self._count = 0
        self._under_way: deque[tuple[str, Reply | None]] = deque()
        """Each statement with who waits for it; None for its preparation."""
        self._begin: str | None = None
        self._failed: tuple[BaseException, str] | None = None
        self.open = False
        """Whether a transaction goes by this pipeline."""

    def begin(self, statement: str) -> None:
        """Opens a transaction; `statement` is sent with the first of it."""
        self.open, self._begin = True, statement

    def send(self, statement: str, values: Sequence[Any], *, prepared: bool = True) -> Reply:
        """Has a statement with parameters $1, $2, … under way, prepared for the next time or planned for these values."""
        self._enter()
        name = self._name(statement) if prepared else None
        dumped = self._values.dump_sequence(values, (PyFormat.TEXT,) * len(values)) if values else ()
        if name is None:
            self._pgconn.send_query_params(statement.encode(), dumped)
        else:
            self._pgconn.send_query_prepared(name, dumped)
        return self._sent(statement)

    def say(self, statement: str) -> Reply:
        """Has a statement under way that directs the transaction: there is nothing to prepare."""
        self._enter()
        return self._say(statement)

    def settle(self) -> None:
        """Waits until all that is under way is done."""
        if self._under_way:
            self._pgconn.pipeline_sync()
            self._receive()

    def step_aside(self) -> str | None:
        """Lets the driver speak on the connection. What it has to say first, since it was not yet said: BEGIN."""
        self.settle()
        if self._pgconn.pipeline_status != PipelineStatus.OFF:
            self._pgconn.exit_pipeline_mode()
        begin, self._begin = self._begin, None
        return begin

    def leave(self) -> str | None:
        """Gives the rest of the transaction to the driver, as `step_aside`."""
        begin = self.step_aside()
        self.open = False
        return begin

    def commit(self) -> bool:
        """Commits, with what is under way; whether it was committed and not rolled back. Nothing happens if nothing was sent."""
        if self._begin is not None:
            self.leave()
            return True
        reply = self.say("COMMIT")
        self.leave()
        return reply.tag == b"COMMIT"

    def roll_back(self) -> None:
        """Undoes it, as far as the connection is there; what fails is left to whoever closes it."""
        if self._begin is None:
            with contextlib.suppress(psycopg.Error):
                self.settle()
            with contextlib.suppress(psycopg.Error):
                self.say("ROLLBACK")
                self.settle()
        with contextlib.suppress(psycopg.Error):
            self.leave()
        self._under_way.clear()
        self._begin, self.open = None, False

    def failed(self, error: BaseException) -> str | None:
        """The statement that the last error came from; None if that was another error."""
        return self._failed[1] if self._failed is not None and self._failed[0] is error else None

    def rows(self, result: Any, first: int, end: int) -> list[Any]:
        """Some rows of an answer."""
        self._values.set_pgresult(result)
        return self._values.load_rows(first, end, tuple)

    def _enter(self) -> None:
        if self._pgconn.pipeline_status == PipelineStatus.OFF:
            self._pgconn.enter_pipeline_mode()
        if self._begin is not None:
            begin, self._begin = self._begin, None
            self._say(begin)

    def _say(self, statement: str) -> Reply:
        self._pgconn.send_query_params(statement.encode(), None)
        return self._sent(statement)

    def _sent(self, statement: str) -> Reply:
        reply = Reply(self)
        self._under_way.append((statement, reply))
        return reply

    def _name(self, statement: str) -> bytes:
        name = self._prepared.get(statement)
        if name is not None:
            self._prepared.move_to_end(statement)
            return name
        if len(self._prepared) >= KNOWN:
            _, oldest = self._prepared.popitem(last=False)
            self._say(f"DEALLOCATE {oldest.decode()}")
        self._count += 1
        name = self._prepared[statement] = b"flowhand_%d" % self._count
        self._pgconn.send_prepare(name, statement.encode())
        self._under_way.append((statement, None))
        return name

    def _receive(self) -> None:
        """Takes what was asked for off the connection, up to the Sync; raises the first error among it."""
        trouble: psycopg.Error | None = None
        self._flush()
        try:
            while self._under_way:
                result = self._answer()
                statement, reply = self._under_way.popleft()
                if result.status in (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED):
                    if reply is None:
                        self._prepared.pop(statement, None)
                    if trouble is None:
                        trouble = error_from_result(result, self._values.encoding)
                        self._failed = trouble, statement
                elif reply is not None:
                    reply.arrive(result)
                self._answer()  # that there is no more of it
            self._answer()  # to the Sync
        finally:
            self._under_way.clear()
        if trouble is not None:
            raise trouble

    def _answer(self) -> Any:
        while self._pgconn.is_busy():
            self._wait(select.POLLIN)
            self._pgconn.consume_input()
        found = self._pgconn.get_result()
        if found is None and self._pgconn.status == ConnStatus.BAD:
            raise psycopg.OperationalError("the connection is lost")
        return found

    def _flush(self) -> None:
        """Has everything sent; reads meanwhile, since the server may stop to read until somebody does."""
        while self._pgconn.flush():
            if self._wait(select.POLLIN | select.POLLOUT) & select.POLLIN:
                self._pgconn.consume_input()

    def _wait(self, what: int) -> int:
        ready = select.poll()  # takes descriptors of any number, select() none from 1024 on
        ready.register(self._pgconn.socket, what)
        return ready.poll()[0][1]


class LineConnection(psycopg.Connection[Any]):
    """A connection that has a pipeline beside what the driver itself does on it."""

    @cached_property
    def line(self) -> Line:
        """It."""
        return Line(self)

    @property
    def open_line(self) -> Line | None:
        """It, if a transaction goes by it."""
        return self.line if self.line.open else None


def first_of(error: psycopg.Error) -> psycopg.Error:
    """Where a pipeline of the driver's ended with "aborted": the error that aborted it, if the driver has met it on the way."""
    cause: BaseException | None = error
    while isinstance(cause, psycopg.errors.PipelineAborted):
        cause = cause.__context__
    return cause if isinstance(cause, psycopg.Error) else error
