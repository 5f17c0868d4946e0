"""Calls about flow runs. Answers are the API's JSON as it came; `wire.flow_runs.FlowRun` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowhand.client.call import Call, Errand, Json, path_of, read_json, read_nothing, read_row
from flowhand.client.paging import every, filter_path
from flowhand.ids import new_id


def create(body: Mapping[str, Any]) -> Call[Json]:
    """A run of a flow (`wire.flow_runs.FlowRunCreate`). Safe to repeat only with an `idempotency_key`."""
    return Call("POST", "/flow_runs/", read_row, dict(body), repeatable=bool(body.get("idempotency_key")), about="flow run")


def read(flow_run_id: str) -> Call[Json]:
    """A run by its id."""
    return Call("GET", path_of("flow_runs", flow_run_id), read_row, about=f"flow run {flow_run_id}")


def update(flow_run_id: str, changes: Mapping[str, Any]) -> Call[None]:
    """Sets what is present, null included."""
    return Call("PATCH", path_of("flow_runs", flow_run_id), read_nothing, dict(changes), about=f"flow run {flow_run_id}")


def delete(flow_run_id: str) -> Call[None]:
    """Deletes a run with its states and logs."""
    return Call("DELETE", path_of("flow_runs", flow_run_id), read_nothing, about=f"flow run {flow_run_id}")


def set_state(flow_run_id: str, state: Mapping[str, Any], *, force: bool = False) -> Call[Json]:
    """Proposes a state; answers an orchestration result (contract 4). Carries a transition id, so it is safe to repeat."""
    details = {"transition_id": new_id(), **state.get("state_details", {})}
    body = {"state": {**state, "state_details": details}, "force": force}
    return Call("POST", path_of("flow_runs", flow_run_id, "set_state"), read_json, body, about=f"flow run {flow_run_id}")


def resume(flow_run_id: str, run_input: Mapping[str, Any] | None = None) -> Call[Json]:
    """Resumes a paused run; answers an orchestration result."""
    body = {"run_input": dict(run_input)} if run_input is not None else {}
    return Call("POST", path_of("flow_runs", flow_run_id, "resume"), read_json, body, repeatable=False, about=f"flow run {flow_run_id}")


def listed(
    *,
    flow_name: str | None = None,
    deployment_ids: Sequence[str] | None = None,
    work_pool: str | None = None,
    states: Sequence[str] | None = None,
    state_types: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    name: str | None = None,
    due_before: str | None = None,
    due_after: str | None = None,
    sort: str = "EXPECTED_START_TIME_DESC",
    limit: int | None = None,
) -> Errand[list[Json]]:
    """Runs that fit all of what is given. `states` are names, `state_types` types, `due_…` ISO stamps."""
    criteria: Json = {}
    if deployment_ids is not None:
        criteria["deployment_id"] = {"any_": list(deployment_ids)}
    if states or state_types:
        wanted = {"name": {"any_": list(states)} if states else None, "type": {"any_": list(state_types)} if state_types else None}
        criteria["state"] = {"operator": "or_", **{key: value for key, value in wanted.items() if value}}
    if tags:
        criteria["tags"] = {"all_": list(tags)}
    if name is not None:
        criteria["name"] = {"any_": [name]}
    if due_before is not None or due_after is not None:
        criteria["expected_start_time"] = {"before_": due_before, "after_": due_after}
    body: Json = {"flow_runs": criteria or None, "sort": sort}
    if flow_name is not None:
        body["flows"] = {"name": {"any_": [flow_name]}}
    if work_pool is not None:
        body["work_pools"] = {"name": {"any_": [work_pool]}}
    return every(filter_path("flow_runs"), body, limit)
