"""`/templates/validate`: whether a Jinja template can be read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from flowhand_server.automations.templating import BadTemplate, compiled
from flowhand_server.routes.context import nothing, reply

router = APIRouter(prefix="/templates", tags=["Templates"])


def template_reply(template: str) -> Response:
    """204 for a template that can be read and may be used, 422 with the place of the error for another."""
    try:
        compiled(template)
    except BadTemplate as problem:
        return reply({"error": {"line": problem.line, "message": str(problem), "source": template[:1000]}}, 422)
    return nothing()


@router.post("/validate", status_code=204, response_class=Response)
async def validate_template(template: Annotated[str, Body()]) -> Response:
    """Whether a template can be read."""
    return template_reply(template)
