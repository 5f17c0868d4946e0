"""Log lines: transactions. A line's cursor is its place in the order of arrival."""

from __future__ import annotations

import shlex
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, true

from flowhand.clock import to_micros
from flowhand.wire.criteria import Search
from flowhand.wire.filters import LogFilter, LogQuery
from flowhand.wire.logs import LogCreate
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.filters import Properties, condition
from flowhand_server.store.notices import Notice, post
from flowhand_server.store.reading import bounded

_log = t.log.c
CHUNK: Final = 1000
"""Lines read at a time when all of a run's are asked for."""


def add_logs(conn: Connection, lines: list[LogCreate]) -> None:
    """Stores lines."""
    if not lines:
        return
    conn.execute(insert(t.log), [_row(line) for line in lines])
    for run_id in {line.flow_run_id for line in lines if line.flow_run_id}:
        post(conn, Notice("run", key=run_id))


def _row(line: LogCreate) -> dict[str, Any]:
    return {
        "flow_run_id": line.flow_run_id,
        "task_run_id": line.task_run_id,
        "timestamp": to_micros(line.timestamp),
        "level": line.level,
        "name": line.name,
        "message": line.message,
    }


def search(criterion: Search) -> ColumnElement[bool]:
    """Lines that hold the words: any of the plain ones, all that begin with `+`, none that begin with `-` or `!`."""
    try:
        words = shlex.split(criterion.query)
    except ValueError:
        words = criterion.query.split()
    some, all_of, none = [], [], []
    for word in words:
        line = all_of if word.startswith("+") else none if word.startswith(("-", "!")) else some
        text = word[1:] if line is not some else word
        if text:
            line.append(_log.message.icontains(text, autoescape=True))
    return and_(or_(*some) if some else true(), *all_of, *(~part for part in none))


LOG: Final[Properties] = {
    "level": _log.level,
    "timestamp": _log.timestamp,
    "flow_run_id": _log.flow_run_id,
    "task_run_id": _log.task_run_id,
    "text": search,
}


def find_logs(conn: Connection, query: LogQuery) -> list[forms.Form]:
    """Lines that fit, by time; lines of one time in the order they came."""
    statement = select(t.log)
    wanted = condition(query.logs, LOG)
    if wanted is not None:
        statement = statement.where(wanted)
    newest_first = query.sort == "TIMESTAMP_DESC"
    order = (_log.timestamp.desc(), _log.cursor.desc()) if newest_first else (_log.timestamp, _log.cursor)
    return [forms.log(row) for row in conn.execute(bounded(statement.order_by(*order), query)).mappings()]


def read_chunk(conn: Connection, run_id: str, after: int) -> list[Any]:
    """The next lines of a run behind the cursor `after`."""
    statement = select(t.log).where(_log.flow_run_id == run_id, _log.cursor > after).order_by(_log.cursor).limit(CHUNK)
    return list(conn.execute(statement).mappings())


def last_cursor(conn: Connection) -> int:
    """The cursor of the newest line; 0 without any."""
    return conn.execute(select(func.max(_log.cursor))).scalar() or 0


def read_behind(conn: Connection, wanted: LogFilter, after: int) -> list[Any]:
    """The next lines behind the cursor `after` that fit, in the order they came."""
    statement = select(t.log).where(_log.cursor > after).order_by(_log.cursor).limit(CHUNK)
    fitting = condition(wanted, LOG)
    return list(conn.execute(statement if fitting is None else statement.where(fitting)).mappings())
