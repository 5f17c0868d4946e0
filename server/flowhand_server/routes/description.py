"""The API's own description: `/openapi.json`, and pages that show it.

The document takes a second to make, once. It is made in a thread: all other requests would wait for it, heartbeats among them.
"""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.requests import Request

from flowhand_server.routes.context import reply

URL: Final = "/openapi.json"


def add_description(app: FastAPI) -> None:
    """Adds the document and its pages to an application that was made with `openapi_url=None`."""

    async def document(_: Request) -> Response:
        return reply(await asyncio.to_thread(app.openapi))

    async def docs(_: Request) -> Response:
        return get_swagger_ui_html(openapi_url=URL, title=app.title)

    async def redoc(_: Request) -> Response:
        return get_redoc_html(openapi_url=URL, title=app.title)

    app.add_route(URL, document, include_in_schema=False)
    app.add_route("/docs", docs, include_in_schema=False)
    app.add_route("/redoc", redoc, include_in_schema=False)
