"""Performing actions that change the database: each in one transaction with the events that tell of it, so done once or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import DBAPIError

from flowhand.clock import to_datetime, to_iso
from flowhand.ids import timed_id
from flowhand.wire.automations import Action
from flowhand.wire.deployments import DeploymentFlowRunCreate
from flowhand.wire.events import RESOURCE_ID, RESOURCE_ROLE
from flowhand.wire.states import StateType
from flowhand.wire.transitions import StateCreate, StateDetails
from flowhand.wire.work_pools import WorkPoolUpdate, WorkQueueUpdate
from flowhand_server.automations.acting import automation_event
from flowhand_server.automations.chains import LABEL, Chain, parse
from flowhand_server.automations.subject import Subject
from flowhand_server.orchestration.state import Proposal, Verdict, propose
from flowhand_server.store import automations, deployments, flow_run_changes
from flowhand_server.store import tables as t
from flowhand_server.store.deployment_runs import create_deployment_run
from flowhand_server.store.errors import Conflict, NotFound, Refused
from flowhand_server.store.events import insert_rows
from flowhand_server.store.flow_runs import propose_state
from flowhand_server.store.postgresql_errors import in_trouble, in_words
from flowhand_server.store.work_pools import update_pool
from flowhand_server.store.work_queues import update_queue

SUSPENDED_FOR: Final = timedelta(hours=1)
BATCH: Final = 50
_action = t.automation_action.c
_WAITING: Final = (
    select(t.automation_action)
    .where(_action.outside.is_(False))
    .order_by(_action.id)
    .limit(BATCH)
    .with_for_update(of=t.automation_action, skip_locked=True)
)
_log = structlog.get_logger("flowhand.server")

Details = dict[str, Any]


class ActionFailed(Exception):
    """An action could not be done; the text says why."""


def any_waits(conn: Connection) -> bool:
    """Whether there is an action to do."""
    return conn.execute(select(_action.id).where(_action.outside.is_(False)).limit(1)).first() is not None


def perform(conn: Connection, now: int) -> int:
    """Does the next actions that wait; how many. Called until it says 0. One that fails is told of and does not stop the others."""
    rows = conn.execute(_WAITING).mappings().all()
    for row in rows:
        automation = automation_of(conn, row["automation_id"])
        subject = Subject(conn, automation, row["firing"], now)
        # before the try: what was written until here is no action's, and fails for itself
        savepoint = conn.begin_nested()
        try:
            with savepoint:
                details = _DO[row["action"]["type"]](conn, Doing(row, Action.model_validate(row["action"]), subject, now))
        except Exception as error:  # what users wrote meets what is stored; whatever comes of it, the next action is done
            if in_trouble(error):
                raise  # the transaction is tried again
            conclude(conn, row, automation, now, reason=words(error))
        else:
            conclude(conn, row, automation, now, details=details)
    return len(rows)


def automation_of(conn: Connection, automation_id: str) -> Mapping[str, Any]:
    """The automation as it is now; it is there while its actions wait."""
    return dict(conn.execute(select(t.automation).where(t.automation.c.id == automation_id)).mappings().one())


def words(error: Exception) -> str:
    """Why an action failed, in one line."""
    if isinstance(error, NotFound | Conflict | Refused):
        return error.detail
    if isinstance(error, DBAPIError):
        return in_words(error)  # without the statement and its parameters, which hold what is nobody's business
    return str(error).replace("\n", " ")[:1000]


def conclude(
    conn: Connection,
    row: Mapping[Any, Any],
    automation: Mapping[str, Any],
    now: int,
    *,
    details: Details | None = None,
    reason: str | None = None,
) -> None:
    """Tells what became of an action, and takes it off the list."""
    firing: Mapping[str, Any] = row["firing"]
    chain = parse(firing["chain"]) or Chain(firing["id"])
    about = {"action_index": row["place"], "action_type": row["action"]["type"], "invocation": row["id"]}
    target = (details or {}).pop("target", None)
    related = [{RESOURCE_ID: f"prefect.event.{firing['id']}", RESOURCE_ROLE: "automation-triggered-event"}]
    if target:
        related.append({RESOURCE_ID: target, RESOURCE_ROLE: "target"})
    begun = automation_event(
        automation, "action.triggered", now, chain, follows=firing["event"], event_id=timed_id(), payload=about, related=tuple(related)
    )
    what, outcome = ("executed", details or {}) if reason is None else ("failed", {"reason": reason})
    ended = automation_event(automation, f"action.{what}", now, chain, payload={**about, **outcome}, related=tuple(related))
    insert_rows(conn, [begun, ended | {"follows": begun["id"]}])
    conn.execute(delete(t.automation_action).where(_action.id == row["id"]))
    if reason is not None:
        _log.warning("an action failed", automation=automation["name"], action=row["action"]["type"], reason=reason)


class Doing:
    """One action under way."""

    def __init__(self, row: Mapping[Any, Any], action: Action, subject: Subject, now: int) -> None:
        self.row = row
        self.action = action
        self.subject = subject
        self.now = now

    def target(self, noun: str) -> str:
        """The id of what it is done to: the one selected, or that of the event. ActionFailed."""
        field = f"{noun.replace('-', '_')}_id"
        found = getattr(self.action, field, None) or self.subject.id_of(noun)
        if found is None:
            raise ActionFailed(f"the event names no {noun}")
        return found


def _run_deployment(conn: Connection, doing: Doing) -> Details:
    action, firing, automation = doing.action, doing.row["firing"], doing.subject.automation
    deployment_id = doing.target("deployment")
    body = DeploymentFlowRunCreate(
        parameters=doing.subject.fill_all(action.parameters or {}),
        job_variables=doing.subject.fill_all(action.job_variables) if action.job_variables else None,
        idempotency_key=f"automation {automation['id']}, action {doing.row['place']}, invocation {doing.row['id']}",
        labels={LABEL: firing["chain"]},
    )
    author = {"type": "AUTOMATION", "id": automation["id"], "display_value": automation["name"]}
    if action.schedule_after:
        later = to_datetime(doing.now) + timedelta(seconds=action.schedule_after)
        body.state = StateCreate(type=StateType.SCHEDULED, state_details=StateDetails(scheduled_time=later))
    run, _ = create_deployment_run(conn, deployment_id, body, doing.now, author, are_plain=True)
    return {"target": f"prefect.flow-run.{run['id']}", "flow_run_id": run["id"]}


def _switch_deployment(paused: bool) -> Callable[[Connection, Doing], Details]:
    def switch(conn: Connection, doing: Doing) -> Details:
        deployment_id = doing.target("deployment")
        deployments.set_paused(conn, deployment_id, paused, doing.now)
        return {"target": f"prefect.deployment.{deployment_id}"}

    return switch


def _switch_queue(paused: bool) -> Callable[[Connection, Doing], Details]:
    def switch(conn: Connection, doing: Doing) -> Details:
        queue_id = doing.target("work-queue")
        update_queue(conn, queue_id, WorkQueueUpdate(is_paused=paused), doing.now)
        return {"target": f"prefect.work-queue.{queue_id}"}

    return switch


def _switch_pool(paused: bool) -> Callable[[Connection, Doing], Details]:
    def switch(conn: Connection, doing: Doing) -> Details:
        pool_id = doing.target("work-pool")
        name = conn.execute(select(t.work_pool.c.name).where(t.work_pool.c.id == pool_id)).scalar()
        if name is None:
            raise ActionFailed("Work pool not found")
        update_pool(conn, name, WorkPoolUpdate(is_paused=paused), doing.now)
        return {"target": f"prefect.work-pool.{pool_id}"}

    return switch


def _switch_automation(enabled: bool) -> Callable[[Connection, Doing], Details]:
    def switch(conn: Connection, doing: Doing) -> Details:
        automation_id = doing.target("automation")
        automations.switch_automation(conn, automation_id, enabled, doing.now)
        return {"target": f"prefect.automation.{automation_id}"}

    return switch


# --- runs ------------------------------------------------------------------------------------------------------------------------------


def _cancel(conn: Connection, doing: Doing) -> Details:
    return _enter(conn, doing, propose(StateType.CANCELLING, message=f"Cancelled by automation {doing.subject.automation['name']!r}"))


def _suspend(conn: Connection, doing: Doing) -> Details:
    details = {"pause_reschedule": True, "pause_timeout": to_iso(doing.now + round(SUSPENDED_FOR.total_seconds() * 1e6))}
    message = f"Suspended by automation {doing.subject.automation['name']!r}"
    return _enter(conn, doing, propose(StateType.PAUSED, "Suspended", message, None, details))


def _change_state(conn: Connection, doing: Doing) -> Details:
    action = doing.action
    state = action.state or StateType.FAILED  # never without one: the wire sees to it
    message = doing.subject.fill(action.message) if action.message else f"State changed by automation {doing.subject.automation['name']!r}"
    return _enter(conn, doing, propose(state, action.name, message), force=action.force)


def _enter(conn: Connection, doing: Doing, state: Proposal, *, force: bool = False) -> Details:
    run_id = doing.target("flow-run")
    outcome = propose_state(conn, run_id, state, doing.now, force=force)
    if outcome.status is not Verdict.ACCEPT and (outcome.state is None or outcome.state.type is not state.type):
        raise ActionFailed(f"the run does not become {state.name}: {outcome.reason or outcome.status.value}")
    return {"target": f"prefect.flow-run.{run_id}"}


def _resume(conn: Connection, doing: Doing) -> Details:
    run_id = doing.target("flow-run")
    flow_run_changes.resume(conn, run_id, None, doing.now)
    return {"target": f"prefect.flow-run.{run_id}"}


def _delete(conn: Connection, doing: Doing) -> Details:
    run_id = doing.target("flow-run")
    flow_run_changes.delete_flow_run(conn, run_id)
    return {"target": f"prefect.flow-run.{run_id}"}


def _nothing(conn: Connection, doing: Doing) -> Details:
    return {}


_DO: Final[dict[str, Callable[[Connection, Doing], Details]]] = {
    "do-nothing": _nothing,
    "run-deployment": _run_deployment,
    "pause-deployment": _switch_deployment(True),
    "resume-deployment": _switch_deployment(False),
    "pause-work-queue": _switch_queue(True),
    "resume-work-queue": _switch_queue(False),
    "pause-work-pool": _switch_pool(True),
    "resume-work-pool": _switch_pool(False),
    "pause-automation": _switch_automation(False),
    "resume-automation": _switch_automation(True),
    "cancel-flow-run": _cancel,
    "suspend-flow-run": _suspend,
    "resume-flow-run": _resume,
    "delete-flow-run": _delete,
    "change-flow-run-state": _change_state,
}
