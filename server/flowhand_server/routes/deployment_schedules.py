"""`/deployments/{id}/schedules` and planning at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from flowhand.wire.deployment_schedules import DeploymentSchedule, DeploymentScheduleCreate, DeploymentScheduleUpdate
from flowhand.wire.deployments import ScheduleNow
from flowhand.wire.work_pools import WorkQueue
from flowhand_server.routes.context import Key, Now, StoreDep, nothing, reply, shows
from flowhand_server.store import deployment_schedules, work_queues
from flowhand_server.store.scheduling import schedule_span

router = APIRouter(prefix="/deployments", tags=["Deployments"])


@router.get("/{deployment_id:uuid}/schedules", responses=shows(list[DeploymentSchedule]))
async def read_schedules(deployment_id: Key, store: StoreDep) -> Response:
    """A deployment's schedules."""
    return reply(await store.read(deployment_schedules.read_schedules, str(deployment_id)))


@router.post("/{deployment_id:uuid}/schedules", status_code=201, responses=shows(list[DeploymentSchedule], 201))
async def add_schedules(
    deployment_id: Key, schedules: Annotated[list[DeploymentScheduleCreate], Body()], store: StoreDep, now: Now
) -> Response:
    """Adds schedules."""
    return reply(await store.write(deployment_schedules.add_schedules, str(deployment_id), schedules, now), 201)


@router.patch("/{deployment_id:uuid}/schedules/{schedule_id:uuid}", status_code=204, response_class=Response)
async def update_schedule(deployment_id: Key, schedule_id: Key, body: DeploymentScheduleUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a schedule and takes back planned runs."""
    await store.write(deployment_schedules.update_schedule, str(deployment_id), str(schedule_id), body, now)
    return nothing()


@router.delete("/{deployment_id:uuid}/schedules/{schedule_id:uuid}", status_code=204, response_class=Response)
async def delete_schedule(deployment_id: Key, schedule_id: Key, store: StoreDep, now: Now) -> Response:
    """Removes a schedule and takes back planned runs."""
    await store.write(deployment_schedules.delete_schedule, str(deployment_id), str(schedule_id), now)
    return nothing()


@router.post("/{deployment_id:uuid}/schedule")
async def plan_now(deployment_id: Key, store: StoreDep, now: Now, body: ScheduleNow | None = None) -> Response:
    """Plans the runs of a span of time at once: from now on, unless told otherwise."""
    await store.write(schedule_span, str(deployment_id), body or ScheduleNow(), now)
    return reply(None)


@router.get("/{deployment_id:uuid}/work_queue_check", responses=shows(list[WorkQueue]))
async def queue_of_deployment(deployment_id: Key, store: StoreDep) -> Response:
    """The queues that the deployment's runs go to."""
    return reply(await store.read(work_queues.queues_of_deployment, str(deployment_id)))
