"""The cursors of PostgreSQL: a write transaction is one pipeline, and only what is asked for is waited for.

In a pipeline (PostgreSQL manual, libpq pipeline mode) a statement is sent without waiting for the one before it. So BEGIN travels with the
first statement, writes with the next read or with COMMIT, and a transaction waits for the network once for each thing that it has to know.
A plain statement of SQLAlchemy wants to know its result at once; it waits. A `Prepared` statement waits when its rows are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg import pq


class PipelineCursor(psycopg.Cursor[Any]):
    """Waits for each result in a pipeline too, but for what is given to `send`."""

    def execute(self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None) -> PipelineCursor:
        """See psycopg: the result, or the error, is known when it returns."""
        if self.connection.info.pipeline_status == pq.PipelineStatus.OFF:
            return super().execute(query, params, prepare=prepare, binary=binary)
        with self.connection.pipeline():  # which is waited for when the block ends
            return super().execute(query, params, prepare=prepare, binary=binary)

    def executemany(self, query: Any, params_seq: Iterable[Any], *, returning: bool = False) -> None:
        """See psycopg: done when it returns."""
        if self.connection.info.pipeline_status == pq.PipelineStatus.OFF:
            super().executemany(query, params_seq, returning=returning)
            return
        with self.connection.pipeline():
            super().executemany(query, params_seq, returning=returning)

    def send(self, query: Any, params: Mapping[str, Any]) -> None:
        """As `execute`, but in a pipeline it returns at once; errors are raised by whatever waits next."""
        super().execute(query, params)

    def send_each(self, query: Any, rows: Iterable[Mapping[str, Any]]) -> None:
        """As `executemany`, in the same way."""
        super().executemany(query, rows)
