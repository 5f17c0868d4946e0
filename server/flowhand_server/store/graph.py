"""A flow run as a graph of the task runs and subflow runs in it (contract: `graph-v2`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound

MAX_NODES: Final = 10_000
MAX_ARTIFACTS: Final = 10_000
_run, _task, _state, _artifact = t.flow_run.c, t.task_run.c, t.flow_run_state.c, t.artifact.c


@dataclass(slots=True)
class _Node:
    row: Mapping[Any, Any]
    kind: str
    id: str
    label: str
    parents: set[str] = field(default_factory=set[str])
    children: set[str] = field(default_factory=set[str])
    encapsulating: set[str] = field(default_factory=set[str])
    artifacts: list[forms.Form] = field(default_factory=list[forms.Form])


def flow_run_graph(conn: Connection, run_id: str, since: int) -> forms.Form:
    """Nodes that have not ended before `since` (microseconds, UTC), edges as the tasks' inputs tell. NotFound."""
    run = conn.execute(select(_run.start_time, _run.end_time).where(_run.id == run_id)).first()
    if run is None:
        raise NotFound(f"Flow run {run_id} not found")
    nodes, aliases = _nodes(conn, run_id, since)
    _connect(nodes, aliases)
    loose = _attach_artifacts(conn, run_id, nodes, aliases)
    ordered = sorted(nodes.values(), key=lambda node: (node.row["start_time"] or node.row["expected_start_time"] or 0, node.id))
    return {
        "start_time": forms.iso(run.start_time),
        "end_time": forms.iso(run.end_time),
        "root_node_ids": [node.id for node in ordered if not node.parents],
        "nodes": [[node.id, _shown(node)] for node in ordered],
        "artifacts": loose,
        "states": _states(conn, run_id),
    }


def _nodes(conn: Connection, run_id: str, since: int) -> tuple[dict[str, _Node], dict[str, str]]:
    """The nodes by id, and by task run the id of its node: a subflow stands for the task run that it has in its parent."""
    lately = or_(_task.end_time >= since, _task.end_time.is_(None)) if since else _task.id.is_not(None)
    tasks = conn.execute(select(t.task_run).where(_task.flow_run_id == run_id, lately).order_by(_task.id).limit(MAX_NODES)).mappings().all()
    parents = select(_task.id).where(_task.flow_run_id == run_id)
    statement = select(t.flow_run, t.flow.c.name.label("flow_name")).join(t.flow, t.flow.c.id == _run.flow_id)
    subflows = conn.execute(statement.where(_run.parent_task_run_id.in_(parents))).mappings().all()
    by_task = {row["parent_task_run_id"]: row for row in subflows}
    nodes: dict[str, _Node] = {}
    aliases: dict[str, str] = {}
    for row in tasks:
        child = by_task.get(row["id"])
        if child is None:
            node = _Node(row, "task-run", row["id"], row["name"])
        else:
            node = _Node(child, "flow-run", child["id"], f"{child['flow_name']} / {child['name']}")
        aliases[row["id"]] = node.id
        node.parents = set(_inputs(row["task_inputs"] or {}, "__parents__", within=False))
        node.encapsulating = set(_inputs(row["task_inputs"] or {}, "__parents__", within=True))
        nodes[node.id] = node
    return nodes, aliases


def _inputs(inputs: Mapping[str, Any], parents_key: str, *, within: bool) -> Iterable[str]:
    """The task runs that inputs name: those that a run encloses stand under a key of their own."""
    for key, given in inputs.items():
        if (key == parents_key) == within:
            yield from (one["id"] for one in given if one.get("input_type") in ("task_run", "flow_run") and one.get("id"))


def _connect(nodes: dict[str, _Node], aliases: Mapping[str, str]) -> None:
    for node in nodes.values():
        node.parents = {aliases.get(parent, parent) for parent in node.parents} & nodes.keys() - {node.id}
        node.encapsulating = {aliases.get(outer, outer) for outer in node.encapsulating} & nodes.keys()
        for parent in node.parents:
            nodes[parent].children.add(node.id)


def _attach_artifacts(conn: Connection, run_id: str, nodes: dict[str, _Node], aliases: Mapping[str, str]) -> list[forms.Form]:
    """Gives nodes their artifacts; those of the run itself are returned."""
    latest = select(t.artifact_collection.c.latest_id)
    statement = select(t.artifact, _artifact.id.in_(latest).label("is_latest")).where(_artifact.flow_run_id == run_id)
    loose: list[forms.Form] = []
    for row in conn.execute(statement.where(_artifact.type != "result").order_by(_artifact.id).limit(MAX_ARTIFACTS)).mappings():
        shown = {
            "id": row["id"],
            "created": forms.iso(row["created"]),
            "key": row["key"],
            "type": row["type"],
            "is_latest": row["key"] is None or bool(row["is_latest"]),
            "data": row["data"] if row["type"] == "progress" else None,
        }
        node = nodes.get(aliases.get(row["task_run_id"] or "", ""))
        (loose if node is None else node.artifacts).append(shown)
    return loose


def _shown(node: _Node) -> forms.Form:
    row = node.row
    return {
        "kind": node.kind,
        "id": node.id,
        "label": node.label,
        "state_type": row["state_type"],
        "start_time": forms.iso(row["start_time"] or row["expected_start_time"] or row["created"]),
        "end_time": forms.iso(row["end_time"]),
        "parents": [{"id": key} for key in sorted(node.parents)],
        "children": [{"id": key} for key in sorted(node.children)],
        "encapsulating": [{"id": key} for key in sorted(node.encapsulating)],
        "artifacts": node.artifacts,
    }


def _states(conn: Connection, run_id: str) -> list[forms.Form]:
    columns = (_state.id, _state.timestamp, _state.type, _state.name)
    rows = conn.execute(select(*columns).where(_state.flow_run_id == run_id).order_by(_state.timestamp)).mappings()
    return [{"id": row["id"], "timestamp": forms.iso(row["timestamp"]), "type": row["type"], "name": row["name"]} for row in rows]
