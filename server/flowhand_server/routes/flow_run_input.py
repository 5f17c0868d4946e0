"""`/flow_runs/{id}`: resuming, input, and the states it went through (contract 2.7)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from flowhand.wire.flow_runs import Resume, RunInput, RunInputCreate, RunInputFilter
from flowhand.wire.transitions import OrchestrationResult, State
from flowhand_server.routes.context import Key, Now, StoreDep, nothing, reply, shows, shows_created
from flowhand_server.routes.outcomes import outcome_reply, state_form
from flowhand_server.store import flow_run_changes, flow_run_reading

router = APIRouter(tags=["Flow runs"])


@router.post("/flow_runs/{flow_run_id:uuid}/resume", responses=shows_created(OrchestrationResult))
async def resume(flow_run_id: Key, store: StoreDep, now: Now, body: Resume | None = None) -> Response:
    """Resumes a paused run, with the input it waits for."""
    try:
        outcome = await store.write(flow_run_changes.resume, str(flow_run_id), body.run_input if body else None, now)
    except flow_run_changes.NotResumed as refusal:
        details = {"type": "abort_details", "reason": refusal.reason}  # whatever the status: the contract's own oddity
        state = state_form(refusal.state, str(flow_run_id)) if refusal.state else None
        return reply({"state": state, "status": refusal.status.value, "details": details})
    return outcome_reply(outcome, str(flow_run_id), now)


@router.post("/flow_runs/{flow_run_id:uuid}/input", status_code=201)
async def add_input(flow_run_id: Key, body: RunInputCreate, store: StoreDep, now: Now) -> Response:
    """Stores something a run waits to read."""
    await store.write(flow_run_changes.add_input, str(flow_run_id), body, now)
    return reply(None, 201)


@router.post("/flow_runs/{flow_run_id:uuid}/input/filter", responses=shows(list[RunInput]))
async def find_inputs(flow_run_id: Key, body: RunInputFilter, store: StoreDep) -> Response:
    """A run's inputs whose keys begin so."""
    return reply(await store.read(flow_run_changes.find_inputs, str(flow_run_id), body))


@router.get("/flow_runs/{flow_run_id:uuid}/input/{key}", response_class=Response)
async def read_input(flow_run_id: Key, key: str, store: StoreDep) -> Response:
    """The stored text as it is."""
    return Response(await store.read(flow_run_changes.read_input, str(flow_run_id), key), media_type="text/plain")


@router.delete("/flow_runs/{flow_run_id:uuid}/input/{key}", status_code=204, response_class=Response)
async def delete_input(flow_run_id: Key, key: str, store: StoreDep) -> Response:
    """Forgets an input."""
    await store.write(flow_run_changes.delete_input, str(flow_run_id), key)
    return nothing()


@router.get("/flow_run_states/", responses=shows(list[State]))
async def read_states(flow_run_id: Key, store: StoreDep) -> Response:
    """A run's states, the oldest first."""
    return reply(await store.read(flow_run_reading.read_states, str(flow_run_id)))


@router.get("/flow_run_states/{state_id:uuid}", responses=shows(State))
async def read_state(state_id: Key, store: StoreDep) -> Response:
    """One state."""
    return reply(await store.read(flow_run_reading.read_state, str(state_id)))
