"""`/flow_runs`: made, read, changed, given states (contract 2.2, 4)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from flowhand.wire.body import Labels
from flowhand.wire.filters import BulkFlowRuns, BulkSetState, Entities, FlowRunPage, FlowRunQuery
from flowhand.wire.flow_runs import FlowRun, FlowRunCreate, FlowRunUpdate
from flowhand.wire.transitions import OrchestrationResult, SetState
from flowhand_server.routes.client_release import renews_leases
from flowhand_server.routes.context import (
    Key,
    Now,
    StoreDep,
    UserAgent,
    check_limit,
    created,
    nothing,
    page_reply,
    reply,
    shows,
    shows_created,
)
from flowhand_server.routes.outcomes import outcome_form, outcome_reply
from flowhand_server.store import flow_run_changes, flow_run_reading
from flowhand_server.store.deployment_runs import create_adhoc_run, proposal
from flowhand_server.store.flow_runs import propose_state

router = APIRouter(prefix="/flow_runs", tags=["Flow runs"])


@router.post("/", responses=shows_created(FlowRun))
async def create_flow_run(body: FlowRunCreate, store: StoreDep, now: Now) -> Response:
    """A run, described in full."""
    return created(*await store.write(create_adhoc_run, body, now))


@router.post("/filter", responses=shows(list[FlowRun]))
async def find_flow_runs(query: FlowRunQuery, store: StoreDep, now: Now) -> Response:
    """Runs that fit."""
    check_limit(query.limit)
    return reply(await store.read(flow_run_reading.find_flow_runs, query, now))


@router.post("/count", responses=shows(int))
async def count_flow_runs(query: Entities, store: StoreDep) -> Response:
    """How many runs fit."""
    return reply(await store.read(flow_run_reading.count_flow_runs, query))


@router.post("/paginate")
async def page_of_flow_runs(page: FlowRunPage, store: StoreDep, now: Now) -> Response:
    """Runs that fit, page by page."""
    query = FlowRunQuery(**page.window(check_limit(page.limit)))
    found = store.read(flow_run_reading.find_flow_runs, query, now)
    return await page_reply(page, query, found, store.read(flow_run_reading.count_flow_runs, query))


@router.post("/lateness", responses=shows(float | None))
async def average_lateness(query: Entities, store: StoreDep, now: Now) -> Response:
    """The mean lateness of runs, in seconds; null without any late one."""
    return reply(await store.read(flow_run_reading.average_lateness, query, now))


@router.post("/bulk_delete")
async def delete_flow_runs(body: BulkFlowRuns, store: StoreDep) -> Response:
    """Deletes runs that fit."""
    query = FlowRunQuery(flow_runs=body.flow_runs, limit=body.limit)
    ids = await store.read(flow_run_reading.find_flow_run_ids, query, "ID_DESC")
    for run_id in ids:
        await store.write(flow_run_changes.delete_flow_run, run_id)
    return reply({"deleted": ids})


@router.post("/bulk_set_state")
async def set_states(body: BulkSetState, store: StoreDep, now: Now) -> Response:
    """Proposes one state to runs that fit."""
    query = FlowRunQuery(flow_runs=body.flow_runs, limit=body.limit)
    results: list[dict[str, object]] = []
    for run_id in await store.read(flow_run_reading.find_flow_run_ids, query, "ID_DESC"):
        outcome = await store.write(propose_state, run_id, proposal(body.state), now, force=body.force)
        results.append({"flow_run_id": run_id, **outcome_form(outcome, run_id)})
    return reply({"results": results})


@router.get("/{flow_run_id:uuid}", responses=shows(FlowRun))
async def read_flow_run(flow_run_id: Key, store: StoreDep, now: Now) -> Response:
    """One run."""
    return reply(await store.read(flow_run_reading.read_flow_run, str(flow_run_id), now))


@router.patch("/{flow_run_id:uuid}", status_code=204, response_class=Response)
async def update_flow_run(flow_run_id: Key, body: FlowRunUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a run."""
    await store.write(flow_run_changes.update_flow_run, str(flow_run_id), body, now)
    return nothing()


@router.delete("/{flow_run_id:uuid}", status_code=204, response_class=Response)
async def delete_flow_run(flow_run_id: Key, store: StoreDep) -> Response:
    """Deletes a run with all that belongs to it."""
    await store.write(flow_run_changes.delete_flow_run, str(flow_run_id))
    return nothing()


@router.patch("/{flow_run_id:uuid}/labels", status_code=204, response_class=Response)
async def add_labels(flow_run_id: Key, labels: Labels, store: StoreDep, now: Now) -> Response:
    """Lays labels over the run's."""
    await store.write(flow_run_changes.add_labels, str(flow_run_id), labels, now)
    return nothing()


@router.post("/{flow_run_id:uuid}/set_state", responses=shows_created(OrchestrationResult))
async def set_state(flow_run_id: Key, body: SetState, store: StoreDep, now: Now, user_agent: UserAgent = "") -> Response:
    """Proposes a state. The answer's `status` says what became of it; 201 when a new state was written."""
    asked = proposal(body.state)
    outcome = await store.write(propose_state, str(flow_run_id), asked, now, force=body.force, renews=renews_leases(user_agent))
    return outcome_reply(outcome, str(flow_run_id), now)
