"""The beginning of every websocket of the contract: subprotocol, authentication, the first message (contract 8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import anyio
import orjson
from fastapi import WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ValidationError

from flowhand_server.auth import authenticate_socket

F = TypeVar("F", bound=BaseModel)
SUBPROTOCOL: Final = "prefect"
POLICY_VIOLATION: Final = 1008
PROTOCOL_ERROR: Final = 1002
TRY_AGAIN: Final = 1013
HELLO_S: Final = 30
"""Seconds that a client has for each message of the handshake."""


async def greet(websocket: WebSocket) -> bool:
    """Accepts and authenticates. False: the socket is closed again.

    A client that offers no subprotocol is an old one; it says nothing of itself, so it is let in only where nothing is asked.
    """
    config = websocket.app.state.config
    if SUBPROTOCOL not in websocket.scope.get("subprotocols", ()):
        if config.guarded:
            await websocket.close(POLICY_VIOLATION)
            return False
        await websocket.accept()
        return True
    await websocket.accept(subprotocol=SUBPROTOCOL)
    message = await receive(websocket)
    token = message.get("token")
    known = token is None or isinstance(token, str)
    if message.get("type") != "auth" or not known or not await authenticate_socket(websocket.scope, websocket.app.state.who, token):
        await websocket.close(POLICY_VIOLATION, "authentication failed")
        return False
    await websocket.send_text('{"type":"auth_success"}')
    return True


async def receive(websocket: WebSocket) -> dict[str, Any]:
    """The next message of the handshake; empty for one that is no JSON object. WebSocketDisconnect when none comes in time."""
    with anyio.move_on_after(HELLO_S):
        try:
            message = orjson.loads(await websocket.receive_text())
        except (orjson.JSONDecodeError, KeyError):
            return {}
        return message if isinstance(message, dict) else {}
    await websocket.close(POLICY_VIOLATION, "no message came")
    raise WebSocketDisconnect(POLICY_VIOLATION)


async def filter_of(websocket: WebSocket, form: type[F]) -> tuple[F, dict[str, Any]] | None:
    """Greets who wants to be sent things: which ones, and the whole message that says so. None: the socket is closed again."""
    try:
        if not await greet(websocket):
            return None
        message = await receive(websocket)
        if message.get("type") == "filter":
            return form.model_validate(message.get("filter") or {}), message
        await websocket.close(PROTOCOL_ERROR, "expected 'filter' message")
    except ValidationError as error:
        await websocket.close(PROTOCOL_ERROR, str(error.errors()[0]["msg"])[:120])
    except WebSocketDisconnect:
        return None
    return None


async def send(websocket: WebSocket, message: Any) -> None:
    """One message."""
    await websocket.send_text(orjson.dumps(message).decode())


async def while_connected(websocket: WebSocket, work: Callable[[], Awaitable[None]]) -> None:
    """Does `work` until it is done or the client has gone."""
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            try:
                while True:
                    await websocket.receive()
            except (WebSocketDisconnect, RuntimeError):  # RuntimeError: it had gone before we looked
                group.cancel_scope.cancel()

        group.start_soon(watch)
        with suppress(WebSocketDisconnect):
            await work()
        group.cancel_scope.cancel()
