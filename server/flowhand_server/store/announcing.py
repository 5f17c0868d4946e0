"""The events that tell of flow runs' states (contract 4.3, 8.3).

A state's own row is its outbox: whoever writes the state writes nothing else, and the event is made here afterwards, many at a time. The
event's id is the state's, so making it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, literal_column, select, update

from flowhand.clock import to_datetime
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE
from flowhand_server.store import tables as t
from flowhand_server.store.events import insert_rows
from flowhand_server.store.prepared import Prepared, among

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
_BELONGS: Final = (t.flow, t.deployment, t.work_queue, t.work_pool)
"""What a run belongs to, with a name."""
_WAITING: Final = Prepared(
    select(
        *(_state[name] for name in ("id", "flow_run_id", "timestamp", "type", "name", "message")),
        *(_run[name] for name in ("flow_id", "deployment_id", "work_queue_id", "work_pool_id", "tags", "run_count")),
        _run.name.label("run_name"),
        *(_before.c[name].label(f"before_{name}") for name in ("id", "type", "name", "message")),
        *(table.c.name.label(f"{table.name}_name") for table in _BELONGS),
        t.work_pool.c.type.label("work_pool_type"),
    )
    .join_from(t.flow_run_state, t.flow_run, _run.id == _state.flow_run_id)
    .outerjoin(_before, _before.c.id == _PREVIOUS)
    .outerjoin(t.flow, t.flow.c.id == _run.flow_id)
    .outerjoin(t.deployment, t.deployment.c.id == _run.deployment_id)
    .outerjoin(t.work_queue, t.work_queue.c.id == _run.work_queue_id)
    .outerjoin(t.work_pool, t.work_pool.c.id == _run.work_pool_id)
    .where(literal_column("NOT flow_run_state.announced"))
    .order_by(_state.timestamp)
    .limit(BATCH)
    .with_for_update(of=t.flow_run_state, skip_locked=True)
)


def announce_states(conn: Connection, now: int) -> int:
    """Writes the events of states that have none yet, the oldest first; how many. Idempotent; called until it says 0."""
    rows = [row._asdict() for row in _WAITING.all(conn)]
    if not rows:
        return 0
    names = _Names()
    for row in rows:
        names.learn(row)
    insert_rows(conn, [_event(row, names, now) for row in rows])
    _ANNOUNCED.run(conn, ids=[row["id"] for row in rows])
    return len(rows)


_ANNOUNCED: Final = Prepared(update(t.flow_run_state).where(among(_state.id, "ids")).values(announced=True))


@dataclass(slots=True)
class _Names:
    """The names of what runs belong to, by its id."""

    flow: dict[str, str] = field(default_factory=dict[str, str])
    deployment: dict[str, str] = field(default_factory=dict[str, str])
    work_queue: dict[str, str] = field(default_factory=dict[str, str])
    work_pool: dict[str, str] = field(default_factory=dict[str, str])
    pool_type: dict[str, str] = field(default_factory=dict[str, str])

    def learn(self, row: Mapping[str, Any]) -> None:
        """Takes over what stands beside a run in `_WAITING`; what was deleted has no name there."""
        for table in _BELONGS:
            if row[f"{table.name}_name"] is not None:
                getattr(self, table.name)[row[f"{table.name}_id"]] = row[f"{table.name}_name"]
        if row["work_pool_type"] is not None:
            self.pool_type[row["work_pool_id"]] = row["work_pool_type"]


def _names_of(conn: Connection, rows: Sequence[Mapping[Any, Any]]) -> _Names:
    """Looked up for runs that were read without them."""
    flow, deployment, queue, pool = (_names(conn, table, (row[f"{table.name}_id"] for row in rows)) for table in _BELONGS)
    kinds = select(t.work_pool.c.id, t.work_pool.c.type).where(t.work_pool.c.id.in_(list(pool)))
    return _Names(flow, deployment, queue, pool, {row.id: row.type for row in conn.execute(kinds)} if pool else {})


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
    names = _names_of(conn, rows)
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
