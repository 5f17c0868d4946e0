"""The events that tell of flow runs' states (contract 4.3, 8.3).

A state's own row is its outbox: whoever writes the state writes nothing else, and the event is made here afterwards, many at a time. The
event's id is the state's, so making it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, literal_column, select, update

from flowhand.clock import to_datetime
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE
from flowhand_server.store import tables as t
from flowhand_server.store.events import insert_rows

BATCH: Final = 200
MAX_MESSAGE: Final = 100_000
"""Characters of a state's message that its event repeats."""
_state, _run = t.flow_run_state.c, t.flow_run.c
_before = t.flow_run_state.alias("before")
_earlier = t.flow_run_state.alias("earlier")
_PREVIOUS: Final = (
    select(_earlier.c.id)
    .where(_earlier.c.flow_run_id == _state.flow_run_id, _earlier.c.timestamp < _state.timestamp)
    .order_by(_earlier.c.timestamp.desc())
    .limit(1)
    .scalar_subquery()
)
_WAITING: Final = (
    select(
        *(_state[name] for name in ("id", "flow_run_id", "timestamp", "type", "name", "message")),
        *(_run[name] for name in ("flow_id", "deployment_id", "work_queue_id", "work_pool_id", "tags", "run_count")),
        _run.name.label("run_name"),
        *(_before.c[name].label(f"before_{name}") for name in ("id", "type", "name", "message")),
    )
    .join_from(t.flow_run_state, t.flow_run, _run.id == _state.flow_run_id)
    .outerjoin(_before, _before.c.id == _PREVIOUS)
    .where(literal_column("NOT flow_run_state.announced"))
    .order_by(_state.timestamp)
    .limit(BATCH)
    .with_for_update(of=t.flow_run_state, skip_locked=True)
)


def announce_states(conn: Connection, now: int) -> int:
    """Writes the events of states that have none yet, the oldest first; how many. Idempotent; called until it says 0."""
    rows = conn.execute(_WAITING).mappings().all()
    if not rows:
        return 0
    names = _Names(conn, rows)
    insert_rows(conn, [_event(row, names, now) for row in rows])
    conn.execute(update(t.flow_run_state).where(_state.id.in_([row["id"] for row in rows])).values(announced=True))
    return len(rows)


class _Names:
    """The names of what the runs of one batch belong to."""

    def __init__(self, conn: Connection, rows: Sequence[Mapping[Any, Any]]) -> None:
        self.flow = _names(conn, t.flow, (row["flow_id"] for row in rows))
        self.deployment = _names(conn, t.deployment, (row["deployment_id"] for row in rows))
        self.work_queue = _names(conn, t.work_queue, (row["work_queue_id"] for row in rows))
        self.work_pool = _names(conn, t.work_pool, (row["work_pool_id"] for row in rows))
        pool = t.work_pool.c
        kinds = select(pool.id, pool.type).where(pool.id.in_(list(self.work_pool)))
        self.pool_type: dict[str, str] = {row.id: row.type for row in conn.execute(kinds)} if self.work_pool else {}


def _names(conn: Connection, table: Table, ids: Iterable[str | None]) -> dict[str, str]:
    wanted = {key for key in ids if key}
    return {row.id: row.name for row in conn.execute(select(table.c.id, table.c.name).where(table.c.id.in_(wanted)))} if wanted else {}


def _event(row: Mapping[Any, Any], names: _Names, now: int) -> dict[str, Any]:
    resource = f"prefect.flow-run.{row['flow_run_id']}"
    return {
        "id": row["id"],
        "occurred": row["timestamp"],
        "received": now,
        "event": f"prefect.flow-run.{row['name']}",
        "resource_id": resource,
        "follows": row["before_id"],
        "resource": {
            RESOURCE_ID: resource,
            RESOURCE_NAME: row["run_name"],
            "prefect.run-count": str(row["run_count"]),
            "prefect.state-message": (row["message"] or "")[:MAX_MESSAGE],
            "prefect.state-name": row["name"],
            "prefect.state-timestamp": _stamp(to_datetime(row["timestamp"])),
            "prefect.state-type": row["type"],
        },
        "related": _related(row, names),
        "payload": {
            "intended": {"from": row["before_type"], "to": row["type"]},
            "initial_state": _brief(row["before_type"], row["before_name"], row["before_message"]) if row["before_type"] else None,
            "validated_state": _brief(row["type"], row["name"], row["message"]),
        },
    }


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _brief(state_type: str, name: str, message: str | None) -> dict[str, str]:
    brief = {"type": state_type, "name": name}
    return brief | {"message": message[:MAX_MESSAGE]} if message else brief


def resources_of_runs(conn: Connection, rows: Sequence[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """What events about these runs would be about and touch: of each its `resource` and its `related`."""
    names = _Names(conn, rows)
    about = [{RESOURCE_ID: f"prefect.flow-run.{row['id']}", RESOURCE_NAME: row["name"]} for row in rows]
    return [{"resource": one, "related": _related(row, names)} for one, row in zip(about, rows, strict=True)]


def _related(row: Mapping[Any, Any], names: _Names) -> list[dict[str, str]]:
    related = [_resource("flow", row["flow_id"], names.flow)]
    for role, column in (("deployment", "deployment_id"), ("work-queue", "work_queue_id"), ("work-pool", "work_pool_id")):
        if row[column]:
            related.append(_resource(role, row[column], getattr(names, role.replace("-", "_"))))
    if row["work_pool_id"]:
        related[-1]["prefect.work-pool.type"] = names.pool_type.get(row["work_pool_id"], "")
    return related + [{RESOURCE_ID: f"prefect.tag.{tag}", RESOURCE_ROLE: "tag"} for tag in row["tags"]]


def _resource(role: str, key: str, names: Mapping[str, str]) -> dict[str, str]:
    return {RESOURCE_ID: f"prefect.{role}.{key}", RESOURCE_ROLE: role, RESOURCE_NAME: names.get(key, "")}
