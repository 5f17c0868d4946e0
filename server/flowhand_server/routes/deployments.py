"""`/deployments` (contract 2.1, 4.4, 5.1)."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Response
from starlette.background import BackgroundTask

from flowhand.clock import to_micros
from flowhand.wire.deployments import (
    BulkRunResult,
    Deployment,
    DeploymentCreate,
    DeploymentFlowRunCreate,
    DeploymentUpdate,
    DueForDeployments,
)
from flowhand.wire.filters import BulkDeployments, Entities, NamedPage, NamedQuery
from flowhand.wire.flow_runs import FlowRun
from flowhand_server.json_schemas import DoesNotFit
from flowhand_server.routes.context import (
    Key,
    Now,
    StoreDep,
    check_limit,
    created,
    invalid,
    nothing,
    page_reply,
    reply,
    shows,
    shows_created,
)
from flowhand_server.store import deployment_runs, deployments, scheduled
from flowhand_server.store.deployment_checking import check_parameters, check_with_schema

router = APIRouter(prefix="/deployments", tags=["Deployments"])


@router.post("/", responses=shows_created(Deployment))
async def apply_deployment(body: DeploymentCreate, store: StoreDep, now: Now) -> Response:
    """The deployment of this flow and name, made or changed."""
    if "enforce_parameter_schema" in body.model_fields_set and body.enforce_parameter_schema and body.parameter_openapi_schema is not None:
        try:
            await asyncio.to_thread(check_with_schema, body.parameters, body.parameter_openapi_schema)
        except DoesNotFit as error:
            raise invalid(body, str(error)) from None
    return created(*await store.write(deployments.apply_deployment, body, now))


@router.get("/name/{flow_name}/{deployment_name}", responses=shows(Deployment))
async def read_deployment_by_name(flow_name: str, deployment_name: str, store: StoreDep) -> Response:
    """One deployment by the name of its flow and its own."""
    return reply(await store.read(deployments.read_deployment_by_name, flow_name, deployment_name))


@router.post("/filter", responses=shows(list[Deployment]))
async def find_deployments(query: NamedQuery, store: StoreDep) -> Response:
    """Deployments that fit."""
    check_limit(query.limit)
    return reply(await store.read(deployments.find_deployments, query))


@router.post("/count", responses=shows(int))
async def count_deployments(query: Entities, store: StoreDep) -> Response:
    """How many deployments fit."""
    return reply(await store.read(deployments.count_deployments, query))


@router.post("/paginate")
async def page_of_deployments(page: NamedPage, store: StoreDep) -> Response:
    """Deployments that fit, page by page."""
    query = NamedQuery(**page.window(check_limit(page.limit)))
    return await page_reply(page, query, store.read(deployments.find_deployments, query), store.read(deployments.count_deployments, query))


@router.post("/bulk_delete")
async def delete_deployments(body: BulkDeployments, store: StoreDep, now: Now) -> Response:
    """Deletes deployments that fit."""
    found = await store.read(deployments.find_deployments, NamedQuery(deployments=body.deployments, limit=body.limit))
    for deployment in found:
        await store.write(deployments.delete_deployment, deployment["id"], now)
    return reply({"deleted": [deployment["id"] for deployment in found]})


@router.post("/get_scheduled_flow_runs", responses=shows(list[FlowRun]))
async def due_runs(body: DueForDeployments, store: StoreDep, now: Now) -> Response:
    """The due runs of deployments, for a runner that serves them."""
    limit = check_limit(body.limit)
    until = to_micros(body.scheduled_before) if body.scheduled_before else None
    response = reply(await store.read(scheduled.due_for_deployments, body.deployment_ids, until, limit, now))
    response.background = BackgroundTask(store.write, scheduled.polled_deployments, body.deployment_ids, now)
    return response


@router.get("/{deployment_id:uuid}", responses=shows(Deployment))
async def read_deployment(deployment_id: Key, store: StoreDep) -> Response:
    """One deployment."""
    return reply(await store.read(deployments.read_deployment, str(deployment_id)))


@router.patch("/{deployment_id:uuid}", status_code=204, response_class=Response)
async def update_deployment(deployment_id: Key, body: DeploymentUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a deployment and takes back its planned runs."""
    to_check = await store.read(deployments.parameters_after, str(deployment_id), body)
    if to_check is not None:
        await asyncio.to_thread(check_parameters, to_check)
    await store.write(deployments.update_deployment, str(deployment_id), body, now)
    return nothing()


@router.delete("/{deployment_id:uuid}", status_code=204, response_class=Response)
async def delete_deployment(deployment_id: Key, store: StoreDep, now: Now) -> Response:
    """Deletes a deployment with its runs that have not begun."""
    await store.write(deployments.delete_deployment, str(deployment_id), now)
    return nothing()


@router.post("/{deployment_id:uuid}/pause_deployment")
@router.post("/{deployment_id:uuid}/set_schedule_inactive", include_in_schema=False)
async def pause_deployment(deployment_id: Key, store: StoreDep, now: Now) -> Response:
    """Pauses a deployment: nothing is planned, what was planned is taken back."""
    await store.write(deployments.set_paused, str(deployment_id), True, now)
    return reply(None)


@router.post("/{deployment_id:uuid}/resume_deployment")
@router.post("/{deployment_id:uuid}/set_schedule_active", include_in_schema=False)
async def resume_deployment(deployment_id: Key, store: StoreDep, now: Now) -> Response:
    """Resumes a deployment."""
    await store.write(deployments.set_paused, str(deployment_id), False, now)
    return reply(None)


@router.post("/{deployment_id:uuid}/create_flow_run", responses=shows_created(FlowRun))
async def create_run(deployment_id: Key, body: DeploymentFlowRunCreate, store: StoreDep, now: Now) -> Response:
    """A run of the deployment."""
    return created(*await store.write(deployment_runs.create_deployment_run, str(deployment_id), body, now))


@router.post("/{deployment_id:uuid}/create_flow_run/bulk", responses=shows(dict[str, list[BulkRunResult]]))
async def create_runs(deployment_id: Key, bodies: Annotated[list[DeploymentFlowRunCreate], Body()], store: StoreDep, now: Now) -> Response:
    """Runs of the deployment, each for itself."""
    return reply({"results": await store.write(deployment_runs.create_deployment_runs, str(deployment_id), bodies, now)})
