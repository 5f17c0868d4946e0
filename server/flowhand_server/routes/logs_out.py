"""`/logs/out`: log lines as they come (contract 7, 8)."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, WebSocket

from flowhand.wire.filters import LogFilter
from flowhand_server.events.pulse import Pulse
from flowhand_server.routes.sockets import filter_of, send, while_connected
from flowhand_server.store import forms, logs
from flowhand_server.store.store import Store

router = APIRouter(tags=["Logs"])
LOOK_S: Final = 5.0
"""How often lines are looked for without a word that there are any."""


@router.websocket("/logs/out")
async def logs_out(websocket: WebSocket) -> None:
    """Sends the lines that fit and are stored from now on."""
    if (asked := await filter_of(websocket, LogFilter)) is not None:
        await while_connected(websocket, lambda: _stream(websocket, asked[0]))


async def _stream(websocket: WebSocket, wanted: LogFilter) -> None:
    store: Store = websocket.app.state.store
    pulse: Pulse = websocket.app.state.log_pulse
    cursor = await store.read(logs.last_cursor)
    while True:
        beats = pulse.beats
        for row in await store.read(logs.read_behind, wanted, cursor):
            cursor = row["cursor"]
            await send(websocket, {"type": "log", "log": forms.log(row)})
        await pulse.wait(beats, LOOK_S)
