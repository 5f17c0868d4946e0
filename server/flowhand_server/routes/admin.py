"""What the server says of itself: health, versions, settings, the default result storage, CSRF (contract 1, 1.1, 1.3)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, HTTPException, Request, Response

from flowhand.wire.body import Answer, Id
from flowhand.wire.body import Request as Body
from flowhand_server.access.csrf import CsrfTokens
from flowhand_server.routes.context import StoreDep, nothing, reply, shows
from flowhand_server.store import admin

router = APIRouter(tags=["Admin"])

API_VERSION: Final = "0.8.4"
"""The version of the REST contract that is spoken."""
VERSIONS: Final = {"2": "2.20.26", "3": "3.9.1"}
"""By a client's major version: which release of the contract it is to take us for, since it refuses another major (contract 1.3)."""
_CLIENT: Final = re.compile(r"prefect/(\d+)\.")


class DefaultStorage(Answer):
    """The block that results are stored with when nothing else is said."""

    default_result_storage_block_id: Id | None = None


class DefaultStorageUpdate(Body):
    """Sets the block that results are stored with."""

    default_result_storage_block_id: Id


@router.get("/health", responses=shows(bool))
async def health() -> Response:
    """Whether the server answers."""
    return reply(True)


@router.get("/ready")
async def ready(store: StoreDep) -> Response:
    """Whether the server can read its database."""
    await store.read(admin.ping)
    return reply({"message": "OK"})


@router.get("/hello", responses=shows(str))
async def hello() -> Response:
    """A greeting."""
    return reply("👋")


@router.get("/version", responses=shows(str))
async def api_version() -> Response:
    """The version of the REST contract."""
    return reply(API_VERSION)


@router.get("/admin/version", responses=shows(str))
async def version(user_agent: Annotated[str, Header()] = "") -> Response:
    """The release that a client is to take us for."""
    match = _CLIENT.search(user_agent)
    return reply(VERSIONS.get(match.group(1) if match else "3", VERSIONS["3"]))


@router.get("/admin/settings")
async def settings(request: Request) -> Response:
    """What the server was told, secrets left out."""
    config: Any = request.app.state.config
    names = ("host", "port", "embedded", "lease_s", "margin_s", "grace_s", "heartbeat_s", "idle_exit_s", "retention_days", "version")
    return reply({"server": {name: getattr(config, name) for name in names}})


@router.get("/admin/storage", responses=shows(DefaultStorage))
async def read_storage(store: StoreDep) -> Response:
    """The default result storage."""
    return reply({"default_result_storage_block_id": await store.read(admin.read_default_storage)})


@router.put("/admin/storage", responses=shows(DefaultStorage))
async def set_storage(body: DefaultStorageUpdate, store: StoreDep) -> Response:
    """Sets the default result storage; 404 for an unknown block document."""
    await store.write(admin.set_default_storage, body.default_result_storage_block_id)
    return reply({"default_result_storage_block_id": body.default_result_storage_block_id})


@router.delete("/admin/storage", status_code=204, response_class=Response)
async def clear_storage(store: StoreDep) -> Response:
    """Forgets the default result storage."""
    await store.write(admin.clear_default_storage)
    return nothing()


@router.get("/csrf-token")
async def csrf_token(client: str, request: Request) -> Response:
    """A token for this client; 422 where none is asked for, and a client that hears this stops asking (contract 1.1)."""
    tokens: CsrfTokens | None = request.app.state.csrf
    if tokens is None:
        raise HTTPException(422, "CSRF protection is disabled.")
    return reply(tokens.issue(client))
