"""What shows many runs at once: history, graphs, the counts that interfaces ask for."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from flowhand.clock import to_micros
from flowhand.wire.body import Moment
from flowhand.wire.body import Query as Body
from flowhand.wire.filters import Entities, FlowRunQuery, History, IdList
from flowhand.wire.task_runs import TaskRun
from flowhand_server.json_schemas import DoesNotFit, check
from flowhand_server.routes.context import Key, Now, StoreDep, reply, shows
from flowhand_server.store import flow_run_reading, graph, history, task_runs
from flowhand_server.store import tables as t

router = APIRouter(tags=["Overviews"])
MAX_POINTS = 1000


class SchemaAndValues(Body):
    """Values, and the schema that they are to fit."""

    schema_: dict[str, Any] = Field(alias="schema")
    values: dict[str, Any]


@router.post("/flow_runs/history")
async def flow_run_history(query: History, store: StoreDep, now: Now) -> Response:
    """Flow runs that fit, counted by state and span of time."""
    return reply(await store.read(history.run_history, t.flow_run, query, now))


@router.post("/task_runs/history")
async def task_run_history(query: History, store: StoreDep, now: Now) -> Response:
    """Task runs that fit, counted by state and span of time."""
    return reply(await store.read(history.run_history, t.task_run, query, now))


@router.get("/flow_runs/{flow_run_id:uuid}/graph-v2")
async def flow_run_graph(flow_run_id: Key, store: StoreDep, since: Moment | None = None) -> Response:
    """A flow run as a graph of what ran in it."""
    return reply(await store.read(graph.flow_run_graph, str(flow_run_id), to_micros(since) if since else 0))


@router.get("/flow_runs/{flow_run_id:uuid}/graph")
async def dependencies(flow_run_id: Key, store: StoreDep, now: Now) -> Response:
    """The older form: each task run with those it depends on."""
    return reply(await store.read(task_runs.dependencies, str(flow_run_id), now))


@router.get("/observed-states")
async def observed_states(
    store: StoreDep,
    query: Annotated[str | None, Query(max_length=1000)] = None,
    order_by: Literal["NAME_ASC", "LAST_SEEN_DESC"] = "NAME_ASC",
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> Response:
    """The names of states that flow runs have been in."""
    return reply(await store.read(history.observed_states, query, order_by == "LAST_SEEN_DESC", limit))


# --- for interfaces --------------------------------------------------------------------------------------------------------------------


@router.post("/ui/flow_runs/history")
async def points(query: FlowRunQuery, store: StoreDep, now: Now) -> Response:
    """Flow runs that fit, as points of a chart."""
    wanted = query.model_copy(update={"limit": min(query.limit or MAX_POINTS, MAX_POINTS)})
    ids = await store.read(flow_run_reading.find_flow_run_ids, wanted, query.sort or "EXPECTED_START_TIME_DESC")
    return reply(await store.read(history.simple_history, ids, now))


@router.post("/ui/flow_runs/count-task-runs", responses=shows(dict[str, int]))
async def count_task_runs(body: IdList, store: StoreDep) -> Response:
    """By flow run: how many task runs it has."""
    return reply(await store.read(history.count_task_runs_by_flow_run, body.flow_run_ids))


@router.post("/ui/flows/count-deployments", responses=shows(dict[str, int]))
async def count_deployments(body: IdList, store: StoreDep) -> Response:
    """By flow: how many deployments it has."""
    return reply(await store.read(history.count_deployments_by_flow, body.flow_ids))


@router.post("/ui/flows/next-runs")
async def next_runs(body: IdList, store: StoreDep) -> Response:
    """By flow: the run that comes next."""
    return reply(await store.read(history.next_runs_by_flow, body.flow_ids))


@router.post("/ui/task_runs/dashboard/counts")
async def dashboard_counts(query: Entities, store: StoreDep, now: Now) -> Response:
    """How many task runs completed and failed, over twenty equal spans of time."""
    return reply(await store.read(history.dashboard_counts, query, now))


@router.post("/ui/task_runs/count")
async def count_by_state(query: Entities, store: StoreDep) -> Response:
    """How many task runs that fit are in each type of state."""
    return reply(await store.read(history.counts_by_state, query))


@router.get("/ui/task_runs/{task_run_id:uuid}", responses=shows(TaskRun))
async def read_task_run(task_run_id: Key, store: StoreDep, now: Now) -> Response:
    """One task run with the name of its flow run."""
    run = await store.read(task_runs.read_task_run, str(task_run_id), now)
    name = None
    if run["flow_run_id"]:
        name = (await store.read(flow_run_reading.read_flow_run, run["flow_run_id"], now))["name"]
    return reply({**run, "flow_run_name": name})


@router.post("/ui/schemas/validate")
async def validate(body: SchemaAndValues) -> Response:
    """Whether values fit a schema, and why not."""
    try:
        await asyncio.to_thread(check, body.values, body.schema_)
    except DoesNotFit as error:
        return reply({"valid": False, "errors": [str(error)]})
    return reply({"valid": True, "errors": []})
