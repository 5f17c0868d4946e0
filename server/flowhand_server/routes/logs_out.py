"""`/logs/out`: log lines as they come (contract 7, 8)."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from flowhand.wire.filters import LogFilter
from flowhand_server.events.pulse import Pulse
from flowhand_server.routes.sockets import PROTOCOL_ERROR, greet, receive, send, while_connected
from flowhand_server.store import forms, logs
from flowhand_server.store.store import Store

router = APIRouter(tags=["Logs"])
LOOK_S: Final = 5.0
"""How often lines are looked for without a word that there are any."""


@router.websocket("/logs/out")
async def logs_out(websocket: WebSocket) -> None:
    """Sends the lines that fit and are stored from now on."""
    try:
        if not await greet(websocket):
            return
        message = await receive(websocket)
        if message.get("type") != "filter":
            await websocket.close(PROTOCOL_ERROR, "expected 'filter' message")
            return
        wanted = LogFilter.model_validate(message.get("filter") or {})
    except ValidationError as error:
        await websocket.close(PROTOCOL_ERROR, str(error.errors()[0]["msg"])[:120])
        return
    except WebSocketDisconnect:
        return
    await while_connected(websocket, lambda: _stream(websocket, wanted))


async def _stream(websocket: WebSocket, wanted: LogFilter) -> None:
    store: Store = websocket.app.state.store
    pulse: Pulse = websocket.app.state.log_pulse
    cursor = await store.read(logs.last_cursor)
    while True:
        for row in await store.read(logs.read_behind, wanted, cursor):
            cursor = row["cursor"]
            await send(websocket, {"type": "log", "log": forms.log(row)})
        await pulse.wait(LOOK_S)
