"""`/templates/validate`: whether a Jinja template can be read."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Response
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from flowhand_server.routes.context import nothing, reply

router = APIRouter(prefix="/templates", tags=["Templates"])
_ENVIRONMENT: Final = ImmutableSandboxedEnvironment()
MAX_TEMPLATE: Final = 100_000
"""Characters of a template at most."""


def template_reply(template: str) -> Response:
    """204 for a template that can be read, 422 with the place of the error for another."""
    error: dict[str, Any] | None = None
    if len(template) > MAX_TEMPLATE:
        error = {"line": 0, "message": f"longer than {MAX_TEMPLATE} characters"}
    else:
        try:
            _ENVIRONMENT.parse(template)
        except TemplateError as problem:
            error = {"line": getattr(problem, "lineno", 0), "message": problem.message}
    return nothing() if error is None else reply({"error": {**error, "source": template[:1000]}}, 422)


@router.post("/validate", status_code=204, response_class=Response)
async def validate_template(template: Annotated[str, Body()]) -> Response:
    """Whether a template can be read."""
    return template_reply(template)
