"""Rows as the REST contract shows them: plain dictionaries, ready to be written as JSON (contract 12, glossary).

Each form takes a row as its query labels it and the time of asking where the answer depends on it (microseconds, UTC).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flowhand.clock import to_iso
from flowhand.wire.pool_types import AGENTS
from flowhand.wire.states import StateType, is_terminal

Row = Mapping[Any, Any]
Form = dict[str, Any]

_NO_DETAILS: Final[Form] = {
    "flow_run_id": None,
    "task_run_id": None,
    "child_flow_run_id": None,
    "scheduled_time": None,
    "cache_key": None,
    "cache_expiration": None,
    "deferred": False,
    "untrackable_result": False,
    "pause_timeout": None,
    "pause_reschedule": False,
    "pause_key": None,
    "run_input_keyset": None,
    "refresh_cache": None,
    "retriable": None,
    "transition_id": None,
    "task_parameters_id": None,
    "traceparent": None,
    "deployment_concurrency_lease_id": None,
}
_NO_FLOW_POLICY: Final[Form] = {
    "max_retries": 0,
    "retry_delay_seconds": 0.0,
    "retries": None,
    "retry_delay": None,
    "pause_keys": [],
    "resuming": False,
    "retry_type": None,
}
_NO_TASK_POLICY: Final[Form] = {
    "max_retries": 0,
    "retry_delay_seconds": 0.0,
    "retries": None,
    "retry_delay": None,
    "retry_jitter_factor": None,
}


def iso(micros: int | None) -> str | None:
    """A time as the contract writes it."""
    return None if micros is None else to_iso(micros)


def entity(row: Row) -> Form:
    """What every stored thing shows."""
    return {"id": row["id"], "created": to_iso(row["created"]), "updated": to_iso(row["updated"])}


def state(row: Row) -> Form:
    """A state, from a row of a table of states."""
    return {
        "id": row["id"],
        "type": row["type"],
        "name": row["name"],
        "timestamp": to_iso(row["timestamp"]),
        "message": row["message"],
        "state_details": _details(row, row["state_details"]),
        "data": row["data"],
    }


def _details(row: Row, given: Mapping[str, Any] | None) -> Form:
    """A state's details in full; the id of its run is always there."""
    details = {**_NO_DETAILS, **(given or {})}
    for name in ("flow_run_id", "task_run_id"):
        if details[name] is None:
            details[name] = row.get(name)
    return details


def _current_state(row: Row, of: str) -> Form | None:
    """The state of a run, from the run's own columns and those of its state, labelled `s_…`; `of` is its run's key."""
    if row["state_id"] is None:
        return None
    details = {**_NO_DETAILS, **(row["s_details"] or {})}
    if details[of] is None:
        details[of] = row["id"]
    return {
        "id": row["state_id"],
        "type": row["state_type"],
        "name": row["state_name"],
        "timestamp": to_iso(row["state_timestamp"]),
        "message": row["s_message"],
        "state_details": details,
        "data": row["s_data"],
    }


def _progress(row: Row, now: int, of: str) -> Form:
    """The fields of a run that follow its states."""
    return {
        "state_id": row["state_id"],
        "state_type": row["state_type"],
        "state_name": row["state_name"],
        "run_count": row["run_count"],
        "expected_start_time": iso(row["expected_start_time"]),
        "next_scheduled_start_time": iso(row["next_scheduled_start_time"]),
        "start_time": iso(row["start_time"]),
        "end_time": iso(row["end_time"]),
        "total_run_time": row["total_run_time"] / 1e6,
        "estimated_run_time": run_time(row, now) / 1e6,
        "estimated_start_time_delta": lateness(row, now) / 1e6,
        "state": _current_state(row, of),
    }


def run_time(row: Row, now: int) -> int:
    """Microseconds that a run has run, up to now if it is still running."""
    total: int = row["total_run_time"]
    if row["state_type"] != StateType.RUNNING or row["state_timestamp"] is None:
        return total
    return total + max(0, now - row["state_timestamp"])


def lateness(row: Row, now: int) -> int:
    """Microseconds by which a run began, or still begins, after its expected time."""
    expected, started = row["expected_start_time"], row["start_time"]
    if expected is None:
        return 0
    if started is not None:
        return max(0, started - expected)
    return 0 if is_terminal(row["state_type"] or "") else max(0, now - expected)


def flow_run(row: Row, now: int) -> Form:
    """A flow run with its state and its pool's name."""
    return {
        "id": row["id"],
        "created": to_iso(row["created"]),
        "updated": to_iso(row["updated"]),
        "name": row["name"],
        "flow_id": row["flow_id"],
        "deployment_id": row["deployment_id"],
        "deployment_version": row["deployment_version"],
        "work_queue_id": row["work_queue_id"] if row["work_pool_name"] else None,  # a run outlives its pool
        "work_queue_name": row["work_queue_name"] if row["work_pool_name"] or row["work_queue_id"] is None else None,
        "work_pool_id": row["work_pool_id"] if row["work_pool_name"] else None,
        "work_pool_name": row["work_pool_name"],
        "flow_version": row["flow_version"],
        "parameters": row["parameters"],
        "idempotency_key": row["idempotency_key"],
        "context": row["context"],
        "empirical_policy": {**_NO_FLOW_POLICY, **(row["empirical_policy"] or {})},
        "tags": row["tags"],
        "labels": row["labels"],
        "parent_task_run_id": row["parent_task_run_id"],
        "auto_scheduled": row["auto_scheduled"],
        "infrastructure_document_id": row["infrastructure_document_id"],
        "infrastructure_pid": row["infrastructure_pid"],
        "created_by": row["created_by"],
        "job_variables": row["job_variables"],
        **_progress(row, now, "flow_run_id"),
    }


def task_run(row: Row, now: int) -> Form:
    """A task run with its state."""
    return {
        "id": row["id"],
        "created": to_iso(row["created"]),
        "updated": to_iso(row["updated"]),
        "name": row["name"],
        "flow_run_id": row["flow_run_id"],
        "task_key": row["task_key"],
        "dynamic_key": row["dynamic_key"],
        "cache_key": row["cache_key"],
        "cache_expiration": iso(row["cache_expiration"]),
        "task_version": row["task_version"],
        "empirical_policy": {**_NO_TASK_POLICY, **(row["empirical_policy"] or {})},
        "tags": row["tags"],
        "labels": row["labels"],
        "task_inputs": row["task_inputs"],
        "flow_run_run_count": row["flow_run_run_count"],
        **_progress(row, now, "task_run_id"),
    }


def flow(row: Row) -> Form:
    """A flow."""
    return {**entity(row), "name": row["name"], "tags": row["tags"], "labels": row["labels"]}


def schedule(row: Row) -> Form:
    """A schedule of a deployment."""
    return {
        **entity(row),
        "deployment_id": row["deployment_id"],
        "schedule": row["schedule"],
        "active": row["active"],
        "max_scheduled_runs": row["max_scheduled_runs"],
        "parameters": row["parameters"],
        "slug": row["slug"],
        # of ours, and only where it was set: clients of 2.x know another one, which may not be null
        **({} if row["catchup"] is None else {"catchup": row["catchup"]}),
    }


_DEPLOYMENT_AS_STORED: Final = (
    "name",
    "flow_id",
    "version",
    "version_info",
    "description",
    "paused",
    "job_variables",
    "parameters",
    "tags",
    "labels",
    "work_queue_name",
    "work_queue_id",
    "work_pool_name",
    "parameter_openapi_schema",
    "path",
    "pull_steps",
    "entrypoint",
    "manifest_path",
    "storage_document_id",
    "infrastructure_document_id",
    "concurrency_options",
    "created_by",
    "updated_by",
    "status",
    "enforce_parameter_schema",
)


def deployment(row: Row, schedules: list[Form], limit: Form | None) -> Form:
    """A deployment with its schedules and its concurrency limit. The contract's `concurrency_limit` is always null (5.7)."""
    form = entity(row)
    for name in _DEPLOYMENT_AS_STORED:
        form[name] = row[name]
    form["last_polled"] = iso(row["last_polled"])
    form["schedules"] = schedules
    form["concurrency_limit"] = None
    form["global_concurrency_limit"] = limit
    form["infra_overrides"] = row["job_variables"]
    form["schedule"] = schedules[0]["schedule"] if schedules else None
    form["is_schedule_active"] = not row["paused"] and any(entry["active"] for entry in schedules)
    return form


def global_limit(row: Row, slots: int) -> Form:
    """A concurrency limit as it is read; `slots` are those in use now."""
    return {
        **entity(row),
        "active": row["active"],
        "name": row["name"],
        "limit": row["limit"],
        "active_slots": slots,
        "slot_decay_per_second": row["slot_decay_per_second"],
    }


_NO_STORAGE: Final[Form] = {"bundle_upload_step": None, "bundle_execution_step": None, "default_result_storage_block_id": None}


def work_pool(row: Row, active_slots: int) -> Form:
    """A work pool."""
    return {
        **entity(row),
        "name": row["name"],
        "description": row["description"],
        "type": row["type"],
        "base_job_template": row["base_job_template"],
        "is_paused": row["is_paused"],
        "concurrency_limit": row["concurrency_limit"],
        "active_slots": active_slots,
        "status": None if row["type"] == AGENTS else "PAUSED" if row["is_paused"] else row["status"],  # agents tell nothing of themselves
        "storage_configuration": {**_NO_STORAGE, **(row["storage_configuration"] or {})},
        "default_queue_id": row["default_queue_id"],
    }


def work_queue(row: Row, active_slots: int) -> Form:
    """A work queue with its pool's name."""
    return {
        **entity(row),
        "name": row["name"],
        "description": row["description"] or "",
        "is_paused": row["is_paused"],
        "concurrency_limit": row["concurrency_limit"],
        "active_slots": active_slots,
        "priority": row["priority"],
        "work_pool_id": row["work_pool_id"],
        "work_pool_name": row["work_pool_name"],
        "last_polled": iso(row["last_polled"]),
        "filter": row["filter"],
        "status": "PAUSED" if row["is_paused"] else row["status"],
    }


def worker(row: Row) -> Form:
    """A worker."""
    return {
        **entity(row),
        "name": row["name"],
        "work_pool_id": row["work_pool_id"],
        "last_heartbeat_time": iso(row["last_heartbeat_time"]),
        "heartbeat_interval_seconds": round(row["heartbeat_interval_seconds"] or 0) or None,
        "status": row["status"],
    }


def log_id(cursor: int) -> str:
    """The contract's id of a log line: a UUID (version 8) made of the line's cursor."""
    return f"00000000-0000-8000-8000-{cursor:012x}"


def log(row: Row) -> Form:
    """A log line."""
    stamp = to_iso(row["timestamp"])
    return {
        "id": log_id(row["cursor"]),
        "created": stamp,
        "updated": stamp,
        "name": row["name"],
        "level": row["level"],
        "message": row["message"],
        "timestamp": stamp,
        "flow_run_id": row["flow_run_id"],
        "task_run_id": row["task_run_id"],
    }
