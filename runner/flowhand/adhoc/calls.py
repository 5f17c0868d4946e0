"""What a script asks of the API: a session, a run, its claim, reports."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from flowhand.adhoc.outbox import Batch
from flowhand.client import flow_runs, flows
from flowhand.client.call import Call, Errand, Json, read_json, read_nothing
from flowhand.client.identity import flowhand_version
from flowhand.sdk.flow import Flow
from flowhand.sdk.flow_run import FlowRun
from flowhand.wire.runner import (
    SECRET_HEADER,
    Attempt,
    ClaimReply,
    ClaimRequest,
    CloseRequest,
    ReportReply,
    ReportRequest,
    SessionReply,
    SessionRequest,
    Supersedes,
)


def open_session(heartbeat_s: float, lost: SessionReply | None) -> Call[SessionReply]:
    """A session of this process, in place of the one that the server does not know any more."""
    body = SessionRequest(
        kind="adhoc",
        name=Path(sys.argv[0]).name or "python",
        version=flowhand_version(),
        host=platform.node(),
        pid=os.getpid(),
        heartbeat_s=heartbeat_s,
        supersedes=Supersedes(session=lost.session, secret=lost.secret) if lost else None,
    )
    return Call("POST", "/runner/session", SessionReply.model_validate_json, body.model_dump(), about="session")


def create_run(flow: Flow[..., Any], run: FlowRun, parent_task_run_id: str | None, key: str) -> Errand[Json]:
    """The run, Scheduled for now, of a flow that is made when it is new. Idempotent by `key`."""
    made: Json = yield flows.create(flow.name)
    delay = flow.retry_delay_seconds
    body = {
        "flow_id": made["id"],
        "name": run.name,
        "flow_version": flow.version,
        "parameters": jsonable(run.parameters),
        "tags": run.tags,
        "parent_task_run_id": parent_task_run_id,
        "idempotency_key": key,
        "empirical_policy": {
            "retries": flow.retries,
            "retry_delay": int(delay) if delay == int(delay) else None,
            "retry_delay_seconds": delay,
        },
        "state": {"type": "SCHEDULED"},
    }
    return (yield flow_runs.create(body))


def link(parent: FlowRun, flow: Flow[..., Any], dynamic_key: str) -> Call[Json]:
    """A Pending task run in the calling flow's run, which stands for the run that is called (contract 2.5). Idempotent by its keys."""
    body: Json = {
        "name": flow.name,
        "flow_run_id": parent.id,
        "task_key": task_key_of(flow),
        "dynamic_key": dynamic_key,
        "task_version": flow.version,
        "state": {"type": "PENDING"},
    }
    return Call("POST", "/task_runs/", read_json, body, about=f"task run {flow.name!r}")


def task_key_of(flow: Flow[..., Any]) -> str:
    """What the calls of one flow have in common."""
    return f"{flow.fn.__module__}.{flow.fn.__qualname__}"


def claim(session: SessionReply, run_id: str, last_claim: int) -> Call[ClaimReply]:
    """The lease on this very run."""
    body = ClaimRequest(session=session.session, slots=1, run_id=run_id, last_claim=last_claim)
    return Call("POST", "/runner/claim", ClaimReply.model_validate_json, body.model_dump(), headers=_proof(session), about="claim")


def report(session: SessionReply, renew: list[Attempt], batches: list[Batch]) -> Call[ReportReply]:
    """Logs, states and renewals."""
    body = ReportRequest(
        session=session.session,
        renew=renew,
        logs=[batch.logs for batch in batches if batch.logs],
        states=[state for batch in batches for state in batch.states],
        tasks=[task for batch in batches for task in batch.tasks],
    )
    return Call("POST", "/runner/report", ReportReply.model_validate_json, body.model_dump(), headers=_proof(session), about="report")


def close(session: SessionReply) -> Call[None]:
    """The end of the session."""
    return Call("POST", "/runner/close", read_nothing, CloseRequest(session=session.session).model_dump(), headers=_proof(session))


def jsonable(parameters: Mapping[str, Any]) -> Json:
    """Parameters as JSON has them; of what JSON has no form for, the text."""
    return {name: _jsonable(value) for name, value in parameters.items()}


def _jsonable(value: Any) -> Any:
    try:
        return to_jsonable_python(value, fallback=repr, inf_nan_mode="null")
    except ValueError:  # it contains itself, or text that UTF-8 cannot carry
        return ascii(value)


def _proof(session: SessionReply) -> dict[str, str]:
    return {SECRET_HEADER: session.secret}
