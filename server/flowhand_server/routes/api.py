"""The REST contract as one router, to be mounted at `/api`."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, HTTPException

from flowhand_server.routes import (
    admin,
    artifacts,
    automations,
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
    overviews,
    saved_searches,
    slot_overviews,
    task_runs,
    templates,
    variables,
    work_pools,
    work_queues,
)

_VERSION: Final = re.compile(r"^\d+\.\d+\.\d+$")
ROUTERS: Final = (
    admin.router,
    flows.router,
    flow_runs.router,
    flow_run_input.router,
    task_runs.router,
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
    templates.router,
    overviews.router,
    slot_overviews.router,
    saved_searches.router,
    collections.router,
)


async def _api_version(x_prefect_api_version: Annotated[str | None, Header()] = None) -> None:
    """Any version of the form x.y.z is welcome (contract 1.1)."""
    if x_prefect_api_version and not _VERSION.match(x_prefect_api_version):
        raise HTTPException(400, f"Invalid X-PREFECT-API-VERSION header format. Expected x.y.z, got {x_prefect_api_version[:32]!r}.")


def api_router() -> APIRouter:
    """All routes of the contract. The application keeps in `app.state` what they use: `store`, `config`, `feed`, `log_pulse`, `vault`."""
    checked = APIRouter(dependencies=[Depends(_api_version)])
    for router in ROUTERS:
        checked.include_router(router)
    return checked
