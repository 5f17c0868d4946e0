"""Whether a database is sound: its pages, its keys, its schema, and what no key ties together. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, inspect, text

from .schema import current_schema
from .tables import SCHEMA, metadata

EXAMPLES: Final = 5
RESTORE: Final = "stop the server and restore the last good backup; ask for help before anything else writes to it"
Finding = dict[str, Any]

_ENDED: Final = "('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"


@dataclass(frozen=True, slots=True)
class Tie:
    """What no key of the database ties together: the statement finds the rows, as `id`, where it does not hold."""

    check: str
    statement: str
    do: str
    harmless: bool = False
    """Whether a server mends it by itself, or nothing is wrong with it but the room it takes."""


TIES: Final = (
    Tie(
        "every flow run has its state",
        "SELECT id FROM flow_run r WHERE state_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM flow_run_state s WHERE s.id = r.state_id)",
        "delete such runs: `flowhand flow-run delete ID`",
    ),
    Tie(
        "every task run has its state",
        "SELECT id FROM task_run r WHERE state_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM task_run_state s WHERE s.id = r.state_id)",
        "delete the flow runs that they belong to: `flowhand flow-run delete ID`",
    ),
    Tie(
        "every state of a run is the run's own",
        "SELECT r.id FROM flow_run r JOIN flow_run_state s ON s.id = r.state_id WHERE s.flow_run_id <> r.id OR s.type <> r.state_type",
        RESTORE,
    ),
    Tie(
        "every work pool has its default queue",
        """SELECT name AS id FROM work_pool p WHERE default_queue_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM work_queue q WHERE q.id = p.default_queue_id)""",
        "create a queue in the pool: `flowhand work-queue create default --pool POOL`",
    ),
    Tie(
        "no lease is held on a run that has ended",
        f"""SELECT r.id FROM lease l JOIN flow_run r ON r.id = l.flow_run_id
        WHERE l.ended_at IS NULL AND l.provisional_until IS NULL AND r.state_type IN {_ENDED}""",  # noqa: S608 - a constant
        "nothing: a server ends such leases when they run out",
        harmless=True,
    ),
    Tie(
        "every log line belongs to a run",
        """SELECT DISTINCT flow_run_id AS id FROM log l WHERE flow_run_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM flow_run r WHERE r.id = l.flow_run_id)""",
        "nothing: lines of runs that were deleted take room and do no harm",
        harmless=True,
    ),
)


def findings(conn: Connection, progress: Callable[[str], None]) -> Generator[Finding]:
    """Each check with how many rows failed it, some of them, and what to do. A schema that is not ours ends it early."""
    sqlite = conn.dialect.name == "sqlite"
    progress("integrity of the file" if sqlite else "indexes")
    yield _sqlite_integrity(conn) if sqlite else _postgresql_integrity(conn)
    schema = _schema(conn)
    yield schema
    if schema["found"]:
        return
    progress("foreign keys")
    yield _sqlite_keys(conn) if sqlite else _postgresql_keys(conn)
    for tie in TIES:
        progress(tie.check)
        yield _finding(tie.check, [row["id"] for row in _failing(conn, tie.statement)], tie.do, harmless=tie.harmless)


def _finding(check: str, failed: list[str], do: str, *, harmless: bool = False) -> Finding:
    return {
        "check": check,
        "sound": harmless or not failed,
        "found": len(failed),
        "examples": failed[:EXAMPLES],
        "do": do if failed else None,
    }


def _failing(conn: Connection, statement: str) -> list[RowMapping]:
    return list(conn.execute(text(statement)).mappings())


def _sqlite_integrity(conn: Connection) -> Finding:
    said = [str(row[0]) for row in conn.exec_driver_sql("PRAGMA integrity_check")]
    return _finding("the file is intact", [] if said == ["ok"] else said, RESTORE)


def _postgresql_integrity(conn: Connection) -> Finding:
    statement = "SELECT indexrelid::regclass::text AS id FROM pg_index WHERE NOT indisvalid AND indrelid::regclass::text = ANY(:tables)"
    broken = [row["id"] for row in conn.execute(text(statement), {"tables": list(metadata.tables)}).mappings()]
    return _finding("indexes are valid", broken, "REINDEX INDEX CONCURRENTLY, for each of them; for the files themselves: pg_amcheck")


def _schema(conn: Connection) -> Finding:
    known = current_schema(conn)
    if known != SCHEMA:
        later = known is not None and known > SCHEMA
        do = "install the version of flowhand that made it" if later else "run `flowhand server database upgrade`"
        return _finding(f"the schema is {SCHEMA}", [f"it is {known or 'not there'}"], do)
    inspector = inspect(conn)
    missing: list[str] = []
    for table in metadata.sorted_tables:
        if not inspector.has_table(table.name):
            missing.append(table.name)
            continue
        there = {column["name"] for column in inspector.get_columns(table.name)}
        missing += [f"{table.name}.{column.name}" for column in table.columns if column.name not in there]
    return _finding(f"the schema is {SCHEMA}", missing, RESTORE)


def _sqlite_keys(conn: Connection) -> Finding:
    broken = [f"{row[0]} {row[1]} names no {row[2]}" for row in conn.exec_driver_sql("PRAGMA foreign_key_check")]
    return _finding("foreign keys hold", broken, RESTORE)


def _postgresql_keys(conn: Connection) -> Finding:
    """PostgreSQL enforces them, unless triggers were off (a restore with --disable-triggers)."""
    broken: list[str] = []
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            column, target = key.parent.name, key.column.table.name
            statement = (
                f'SELECT "{column}" AS id FROM "{table.name}" a WHERE "{column}" IS NOT NULL '  # noqa: S608 - names of our own tables
                f'AND NOT EXISTS (SELECT 1 FROM "{target}" b WHERE b.id = a."{column}")'
            )
            broken += [f"{table.name} names {target} {row['id']}, which is not there" for row in _failing(conn, statement)]
    return _finding("foreign keys hold", broken, RESTORE)
