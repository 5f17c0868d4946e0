"""`/task_runs` (contract 2.5)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from flowhand.wire.filters import Entities, TaskRunPage, TaskRunQuery
from flowhand.wire.task_runs import TaskRun, TaskRunCreate, TaskRunUpdate
from flowhand.wire.transitions import OrchestrationResult, SetState, State
from flowhand_server.routes.context import (
    Key,
    Now,
    StoreDep,
    check_limit,
    created,
    nothing,
    page_reply,
    reply,
    shows,
    shows_created,
)
from flowhand_server.routes.outcomes import outcome_reply
from flowhand_server.store import task_runs
from flowhand_server.store.deployment_runs import proposal
from flowhand_server.store.task_run_states import propose_task_state

router = APIRouter(tags=["Task runs"])


@router.post("/task_runs/", responses=shows_created(TaskRun))
async def create_task_run(body: TaskRunCreate, store: StoreDep, now: Now) -> Response:
    """The task run of this flow run and these keys, made if there is none."""
    return created(*await store.write(task_runs.create_task_run, body, now))


@router.post("/task_runs/filter", responses=shows(list[TaskRun]))
async def find_task_runs(query: TaskRunQuery, store: StoreDep, now: Now) -> Response:
    """Task runs that fit."""
    check_limit(query.limit)
    return reply(await store.read(task_runs.find_task_runs, query, now))


@router.post("/task_runs/count", responses=shows(int))
async def count_task_runs(query: Entities, store: StoreDep) -> Response:
    """How many task runs fit."""
    return reply(await store.read(task_runs.count_task_runs, query))


@router.post("/task_runs/paginate")
async def page_of_task_runs(page: TaskRunPage, store: StoreDep, now: Now) -> Response:
    """Task runs that fit, page by page."""
    query = TaskRunQuery(**page.window(check_limit(page.limit)))
    return await page_reply(page, query, store.read(task_runs.find_task_runs, query, now), store.read(task_runs.count_task_runs, query))


@router.get("/task_runs/{task_run_id:uuid}", responses=shows(TaskRun))
async def read_task_run(task_run_id: Key, store: StoreDep, now: Now) -> Response:
    """One task run."""
    return reply(await store.read(task_runs.read_task_run, str(task_run_id), now))


@router.patch("/task_runs/{task_run_id:uuid}", status_code=204, response_class=Response)
async def rename_task_run(task_run_id: Key, body: TaskRunUpdate, store: StoreDep, now: Now) -> Response:
    """Gives a task run another name."""
    if "name" in body.model_fields_set:
        await store.write(task_runs.rename_task_run, str(task_run_id), body.name, now)
    else:
        await store.read(task_runs.read_task_run, str(task_run_id), now)
    return nothing()


@router.delete("/task_runs/{task_run_id:uuid}", status_code=204, response_class=Response)
async def delete_task_run(task_run_id: Key, store: StoreDep) -> Response:
    """Deletes a task run."""
    await store.write(task_runs.delete_task_run, str(task_run_id))
    return nothing()


@router.post("/task_runs/{task_run_id:uuid}/set_state", responses=shows_created(OrchestrationResult))
async def set_state(task_run_id: Key, body: SetState, store: StoreDep, now: Now) -> Response:
    """Proposes a state."""
    outcome = await store.write(propose_task_state, str(task_run_id), proposal(body.state), now, force=body.force)
    return outcome_reply(outcome, str(task_run_id), now, "task_run_id")


@router.get("/task_run_states/", responses=shows(list[State]))
async def read_states(task_run_id: Key, store: StoreDep) -> Response:
    """A task run's states, the oldest first."""
    return reply(await store.read(task_runs.read_states, str(task_run_id)))


@router.get("/task_run_states/{state_id:uuid}", responses=shows(State))
async def read_state(state_id: Key, store: StoreDep) -> Response:
    """One state."""
    return reply(await store.read(task_runs.read_state, str(state_id)))
