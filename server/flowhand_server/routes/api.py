"""The REST contract: every route, by noun."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI

from flowhand_server.routes import (
    admin,
    artifacts,
    automations,
    background_tasks,
    blocks,
    collections,
    concurrency,
    deployment_schedules,
    deployments,
    events,
    flow_run_input,
    flow_runs,
    flows,
    logs,
    logs_out,
    notification_policies,
    overviews,
    saved_searches,
    slot_overviews,
    task_runs,
    templates,
    variables,
    work_pools,
    work_queues,
)
from flowhand_server.routes.switchboard import lay_out

ROUTERS: Final = (
    admin.router,
    flows.router,
    flow_runs.router,
    flow_run_input.router,
    task_runs.router,
    background_tasks.router,
    deployments.router,
    deployment_schedules.router,
    work_pools.router,
    work_queues.router,
    logs.router,
    logs_out.router,
    events.router,
    concurrency.v2,
    concurrency.v1,
    variables.router,
    artifacts.router,
    blocks.types,
    blocks.schemas,
    blocks.documents,
    blocks.capabilities,
    automations.router,
    notification_policies.router,
    templates.router,
    overviews.router,
    slot_overviews.router,
    saved_searches.router,
    collections.router,
)


def add_api(app: FastAPI) -> None:
    """Adds all routes of the contract under `/api`. The application keeps in `app.state` what they use: see `Application`."""
    lay_out(app, "/api", ROUTERS)
