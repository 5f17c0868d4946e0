"""run_deployment(): a run of a deployment, and waiting for its end."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flowhand.client import deployments, flow_runs
from flowhand.client.call import Errand, Json
from flowhand.client.watching import Watch
from flowhand.deployments.api import perform
from flowhand.deployments.subflow import inputs_of, link
from flowhand.deployments.waiting import Waiting
from flowhand.errors import ApiRefused, ObjectAlreadyExists, ObjectNotFound
from flowhand.ids import new_id
from flowhand.sdk.context import RunContext, current_run
from flowhand.sdk.flow_run import FlowRun
from flowhand.sdk.states import State
from flowhand.sdk.task_calling import resolved
from flowhand.wire.runner import MAX_WAIT_S
from flowhand.wire.states import StateType


async def run(
    name: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float = 5.0,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool = True,
    job_variables: Mapping[str, Any] | None = None,
    infra_overrides: Mapping[str, Any] | None = None,
    client: Any = None,
) -> FlowRun:
    """Creates a run of the deployment `name` (`flow/deployment`, or its id) and waits for its end.

    `timeout` is in seconds: 0 answers at once, None waits for ever; a time-out answers the run as it is. On our own server the answer
    comes when the run ends, elsewhere within `poll_interval` seconds. While the run does not start, the log says why. Inside a run the new
    one is linked to it, unless `as_subflow` is false; futures among the parameters are waited for. ObjectNotFound names an unknown
    deployment, ValueError a negative time-out or what is no name.
    """
    if timeout is not None and timeout < 0:
        raise ValueError(f"timeout is {timeout}; it is a number of seconds, zero or above, or None to wait for ever")
    variables = _variables(job_variables, infra_overrides)
    body: Json = {
        "state": {
            "type": "SCHEDULED",
            "state_details": {"scheduled_time": (scheduled_time or datetime.now(UTC)).astimezone(UTC).isoformat()},
        },
        "name": flow_run_name,
        "parameters": {key: resolved(value) for key, value in (parameters or {}).items()},
        "tags": list(tags or ()),
        "idempotency_key": idempotency_key or new_id(),
    }
    body |= {"work_queue_name": work_queue_name} if work_queue_name else {}
    body |= {"job_variables": variables} if variables else {}
    body = {key: value for key, value in body.items() if value is not None}
    parent = current_run() if as_subflow else None
    linked = parent if parent is not None and parent.known_to_api else None
    inputs = inputs_of(parameters or {}, linked.results) if linked is not None else {}
    return await perform(_run(str(name), body, linked, inputs, timeout, poll_interval))


def _run(
    name: str, body: Json, parent: RunContext | None, inputs: Mapping[str, list[Json]], timeout: float | None, poll_s: float
) -> Errand[FlowRun]:
    try:
        deployment: Json = yield deployments.find(name)
    except ObjectNotFound as error:
        raise ObjectNotFound(f"there is no deployment {name!r}", detail=error.detail) from error
    if parent is not None:
        body = body | {"parent_task_run_id": (yield from link(parent, deployment, inputs))}
    try:
        made: Json = yield deployments.create_run(deployment["id"], body)
    except ObjectAlreadyExists as error:  # 409 is how the contract refuses parameters that do not fit
        raise ApiRefused(f"no run of deployment {name!r} was made: {error.detail}", error.status, error.detail) from error
    if timeout == 0:
        return flow_run_of(made)
    yield from _until_ended(Watch(made["id"], logs=False), timeout, poll_s, Waiting(made["name"]))
    return flow_run_of((yield flow_runs.read(made["id"])))


def _until_ended(watch: Watch, timeout: float | None, poll_s: float, waiting: Waiting) -> Errand[None]:
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        left = MAX_WAIT_S if deadline is None else min(deadline - time.monotonic(), MAX_WAIT_S)
        reply = yield from watch.next(max(left, 0.0), poll_s)
        waiting.tell(reply)
        if reply.terminal or (deadline is not None and time.monotonic() >= deadline):
            return


def _variables(job_variables: Mapping[str, Any] | None, infra_overrides: Mapping[str, Any] | None) -> dict[str, Any]:
    if infra_overrides is None:
        return dict(job_variables or {})
    if job_variables is not None:
        raise ValueError("job_variables and infra_overrides were both given; infra_overrides is the older name of job_variables")
    warnings.warn("infra_overrides is now called job_variables", DeprecationWarning, stacklevel=4)
    return dict(infra_overrides)


def flow_run_of(body: Json) -> FlowRun:
    """A run as the API shows it."""
    state: Json | None = body.get("state")
    expected = body.get("expected_start_time")
    return FlowRun(
        id=body["id"],
        name=body.get("name") or "",
        flow_id=body.get("flow_id"),
        flow_version=body.get("flow_version"),
        deployment_id=body.get("deployment_id"),
        deployment_version=body.get("deployment_version"),
        parameters=body.get("parameters") or {},
        tags=body.get("tags") or [],
        labels=body.get("labels") or {},
        run_count=body.get("run_count") or 0,
        expected_start_time=datetime.fromisoformat(expected) if expected else datetime.now(UTC),
        parent_task_run_id=body.get("parent_task_run_id"),
        work_pool_name=body.get("work_pool_name"),
        work_queue_name=body.get("work_queue_name"),
        idempotency_key=body.get("idempotency_key"),
        job_variables=body.get("job_variables") or {},
        state=_state_of(state) if state else None,
    )


def _state_of(body: Json) -> State:
    stamp = body.get("timestamp")
    return State(
        id=body.get("id") or "",
        type=StateType(body["type"]),
        name=body.get("name") or "",
        message=body.get("message"),
        data=body.get("data"),
        state_details=body.get("state_details") or {},
        timestamp=datetime.fromisoformat(stamp) if stamp else datetime.now(UTC),
    )
