"""A table full of runs, made in moments: copies of a few real runs, made by INSERT … SELECT in the database itself, whichever server's.

What a copy must have of its own (ids, times, a name) is computed there; every other column is its original's, so nothing here knows the
schema beyond those.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from harness.contestants import Contestant
from harness.house import await_true

BATCH: Final = 100_000
WAITING_LEAST: Final = 10_000
"""Runs that wait in a big table; in a small one it is half of them."""
RARE_EVERY: Final = 1_000
"""One of so many copies has the tag RARE, and a name with NEEDLE in it."""
TAIL_AT_MOST: Final = 5_000
"""Names that need not be in our index of names yet."""
INDEXED_WITHIN_S: Final = 300.0
RARE: Final = "rare"
NEEDLE: Final = "needle"
_OLDEST_S: Final = 5_000_000
_UUID: Final = {
    "sqlite": "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a'"
    " || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))",
    "postgresql": "gen_random_uuid()::text",
}
_NUMBERS: Final = {
    "sqlite": "(WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}) SELECT n FROM numbers)",
    "postgresql": "(SELECT generate_series({first}::bigint, {last}::bigint) AS n)",
}
_INDEXES: Final = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('flow_run', 'flow_run_state')",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename IN ('flow_run', 'flow_run_state')"
    " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
}
"""Those that no constraint needs, each with what makes it."""
_JSON: Final = {"sqlite": "'[\"{}\"]'", "postgresql": "'[\"{}\"]'::jsonb"}


@dataclass(frozen=True, slots=True)
class Originals:
    """Real runs, by id: some that wait, as many that have ended."""

    waiting: list[str]
    ended: list[str]


def fill(server: Contestant, originals: Originals, size: int) -> None:
    """Makes copies until the table of runs has `size` rows. The server should be stopped."""
    connection = server.connect()
    try:
        have = _one(connection, "SELECT count(*) FROM flow_run")
        waiting = _one(connection, "SELECT count(*) FROM flow_run WHERE state_name = 'Late'")
        wanted = max(0, min(WAITING_LEAST, size // 2) - waiting)
        now_s = int(time.time())
        with _without_indexes(server, connection):
            _copy(server, connection, originals.waiting, have, min(size, have + wanted), now_s)
            _copy(server, connection, originals.ended, min(size, have + wanted), size, now_s)
        if server.dialect == "postgresql":  # which it does by itself, but a minute later
            connection.execute("ANALYZE")
            connection.commit()
    finally:
        connection.close()


def until_indexed(server: Contestant) -> None:
    """Until a server of ours, which is running, has made its index of the names that it was given, which it does beside its other work."""
    if server.times != "micros":
        return
    connection = server.connect()
    try:
        await_true(
            lambda: _tail(connection) <= TAIL_AT_MOST,
            INDEXED_WITHIN_S,
            f"{server.name} has not made its index of names within {INDEXED_WITHIN_S:.0f} s",
        )
        if server.dialect == "postgresql":  # which it does by itself, but a minute later
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE name_tail, name_segment, name_page, name_piece")
    finally:
        connection.close()


def _tail(connection: Any) -> int:
    found = _one(connection, "SELECT count(*) FROM name_tail")
    connection.rollback()  # which on PostgreSQL would else go on to look at the same
    return found


def waiting_runs(server: Contestant, originals: Originals, most: int) -> list[str]:
    """Ids of runs that wait, but for the originals: the copies of bigger tables are still to be made of them."""
    connection = server.connect()
    try:
        late = connection.execute(f"SELECT id FROM flow_run WHERE state_name = 'Late' LIMIT {int(most) + len(originals.waiting)}")
        return [row[0] for row in late if row[0] not in originals.waiting][:most]
    finally:
        connection.close()


@contextmanager
def _without_indexes(server: Contestant, connection: Any) -> Generator[None]:
    """A database makes indexes of a full table much faster than it keeps them while rows come in at random."""
    indexes = connection.execute(_INDEXES[server.dialect]).fetchall()
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    yield
    for _, statement in indexes:
        connection.execute(statement)
    connection.commit()


def _copy(server: Contestant, connection: Any, originals: list[str], have: int, size: int, now_s: int) -> None:
    for first in range(have, size, BATCH):
        _plan(server, connection, originals, first, min(first + BATCH, size) - 1, now_s)
        _insert(connection, "flow_run", "o.id = c.original", _run_values(server))
        source = "o.id = (SELECT state_id FROM flow_run WHERE id = c.original)"
        _insert(connection, "flow_run_state", source, {"id": "c.state", "flow_run_id": "c.run", "timestamp": "c.at", **_MADE})
        if server.times == "micros":  # ours writes tags and names down twice
            tagged = f"SELECT '{RARE}', run FROM copies WHERE n % {RARE_EVERY} = 0"
            connection.execute(f"INSERT INTO flow_run_tag (tag, flow_run_id) {tagged}")
            named = "SELECT c.run, r.name FROM copies c JOIN flow_run r ON r.id = c.run"
            connection.execute(f"INSERT INTO name_tail (flow_run_id, name) {named}")
        connection.execute("DROP TABLE copies")
        connection.execute("DROP TABLE originals")
        connection.commit()


def _plan(server: Contestant, connection: Any, originals: list[str], first: int, last: int, now_s: int) -> None:
    """A table of what each copy has of its own."""
    rows = ", ".join(f"({lane}, '{original}')" for lane, original in enumerate(originals))
    connection.execute("CREATE TEMP TABLE originals (lane INTEGER PRIMARY KEY, id VARCHAR(36))")
    connection.execute(f"INSERT INTO originals VALUES {rows}")
    second = f"({now_s - _OLDEST_S} + numbers.n)"
    at = f"{second} * 1000000" if server.times == "micros" else f"strftime('%Y-%m-%d %H:%M:%f000', {second}, 'unixepoch')"
    uuid, numbers = _UUID[server.dialect], _NUMBERS[server.dialect].format(first=first, last=last)
    connection.execute(
        f"CREATE TEMP TABLE copies AS SELECT numbers.n AS n, {uuid} AS run, {uuid} AS state, {at} AS at, originals.id AS original"
        f" FROM {numbers} AS numbers JOIN originals ON originals.lane = numbers.n % {len(originals)}"
    )


_MADE: Final = {"created": "c.at", "updated": "c.at"}


def _run_values(server: Contestant) -> dict[str, str]:
    chosen = f"c.n % {RARE_EVERY} = 0"
    times = {column: f"CASE WHEN o.{column} IS NULL THEN NULL ELSE c.at END" for column in _MOMENTS}
    return times | {
        **_MADE,
        "id": "c.run",
        "state_id": "c.state",
        "state_timestamp": "c.at",
        "idempotency_key": "NULL",
        "name": f"CASE WHEN {chosen} THEN 'a-{NEEDLE}-' ELSE 'copy-' END || c.n",
        "tags": f"CASE WHEN {chosen} THEN {_JSON[server.dialect].format(RARE)} ELSE o.tags END",
    }


_MOMENTS: Final = ("expected_start_time", "next_scheduled_start_time", "start_time", "end_time")


def _insert(connection: Any, table: str, original: str, values: Mapping[str, str]) -> None:
    columns = [described[0] for described in connection.execute(f"SELECT * FROM {table} LIMIT 0").description]
    picked = ", ".join(values.get(column, f"o.{column}") for column in columns)
    names = ", ".join(columns)
    connection.execute(f"INSERT INTO {table} ({names}) SELECT {picked} FROM copies c JOIN {table} o ON {original}")


def _one(connection: Any, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])
