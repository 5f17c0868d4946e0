"""`/collections/views`: what worker types there are, and the job templates that their pools begin with."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, HTTPException, Response

from flowhand_server.job_templates import WORKER_METADATA
from flowhand_server.routes.context import reply

router = APIRouter(prefix="/collections", tags=["Collections"])
VIEWS: Final[dict[str, Any]] = {
    "aggregate-worker-metadata": WORKER_METADATA,
    "aggregate-flow-metadata": {},
    "aggregate-block-metadata": {},
}


@router.get("/views/{view}")
async def read_view(view: str) -> Response:
    """One view."""
    if view not in VIEWS:
        raise HTTPException(404, f"View {view} not found in registry.")
    return reply(VIEWS[view])
