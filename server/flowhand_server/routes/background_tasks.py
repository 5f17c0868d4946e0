"""Background tasks: who executes them, and the websocket over which they are given out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Final, Literal

import anyio
import orjson
from fastapi import APIRouter, Response, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, ValidationError

from flowhand.ids import new_id
from flowhand.wire.task_runs import TaskWorker, TaskWorkersQuery
from flowhand_server.events.pulse import Pulse
from flowhand_server.routes.context import Now, StoreDep, now_us, reply, shows
from flowhand_server.routes.sockets import greet, receive, send
from flowhand_server.store import background_tasks
from flowhand_server.store.store import Store

router = APIRouter(tags=["Background tasks"])
LOOK_S: Final = 5.0
"""How often a subscriber looks without having been woken, and how often it is said that it is there."""
PROTOCOL_VIOLATION: Final = 4001


class Subscribe(BaseModel):
    """Who executes which tasks."""

    type: Literal["subscribe"]
    keys: Annotated[list[Annotated[str, Field(max_length=1000)]], Field(min_length=1, max_length=500)]
    client_id: Annotated[str, Field(min_length=1, max_length=500)]


@router.post("/task_workers/filter", responses=shows(list[TaskWorker]))
async def find_task_workers(store: StoreDep, now: Now, query: TaskWorkersQuery | None = None) -> Response:
    """Who executes background tasks, of all of them or of some."""
    wanted = query.task_worker_filter if query else None
    return reply(await store.read(background_tasks.subscribers, wanted.task_keys if wanted else None, now))


@router.websocket("/task_runs/subscriptions/scheduled")
async def scheduled_task_runs(websocket: WebSocket) -> None:
    """Gives out deferred runs of the tasks that are asked for, one after the other, each until it is acknowledged."""
    with suppress(WebSocketDisconnect):
        if not await greet(websocket):
            return
        try:
            asked = Subscribe.model_validate(await receive(websocket))
        except ValidationError:
            await websocket.close(PROTOCOL_VIOLATION, "expected a 'subscribe' message with 'keys' and 'client_id'")
            return
        await _serve(websocket, asked)


async def _serve(websocket: WebSocket, asked: Subscribe) -> None:
    store: Store = websocket.app.state.store
    subscription, answers = new_id(), _Answers()
    await store.write(background_tasks.arrive, subscription, asked.client_id, asked.keys, now_us(websocket))
    try:
        async with anyio.create_task_group() as group:

            async def listen() -> None:
                with suppress(WebSocketDisconnect, RuntimeError, KeyError):  # RuntimeError: it had gone before we looked
                    while True:
                        answers.came(_message(await websocket.receive_text()))
                group.cancel_scope.cancel()

            async def stay() -> None:
                while True:
                    await anyio.sleep(LOOK_S)
                    await store.write(background_tasks.stay, subscription, now_us(websocket))

            group.start_soon(listen)
            group.start_soon(stay)
            with suppress(WebSocketDisconnect):
                await _give_out(websocket, asked.keys, answers)
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await store.write(background_tasks.leave, subscription)


class _Answers:
    """What a subscriber says to one question at a time. What it says unasked is no answer, and not kept."""

    def __init__(self) -> None:
        self._next: asyncio.Future[Any] | None = None

    def ask(self) -> asyncio.Future[Any]:
        """Ends with the next message that comes. Asked before the question is sent."""
        self._next = asyncio.get_running_loop().create_future()
        return self._next

    def came(self, message: Any) -> None:
        """It has said something."""
        if self._next is not None and not self._next.done():
            self._next.set_result(message)


def _message(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


async def _give_out(websocket: WebSocket, keys: list[str], answers: _Answers) -> None:
    store: Store = websocket.app.state.store
    pulse: Pulse = websocket.app.state.task_pulse
    while True:
        beats = pulse.beats
        while await store.read(background_tasks.any_waits, keys, now_us(websocket)):
            offer = await store.write(background_tasks.offer, keys, now_us(websocket))
            if offer is not None and not await _acknowledged(websocket, store, offer, answers):
                return
        await pulse.wait(beats, LOOK_S)


async def _acknowledged(websocket: WebSocket, store: Store, offer: background_tasks.Offer, answers: _Answers) -> bool:
    """Whether the subscriber goes on. A run that it has not acknowledged when it goes is given to others."""
    acknowledged, run = False, offer.run["id"]
    try:
        answered = answers.ask()
        await send(websocket, offer.run)
        answer = await answered
        acknowledged = isinstance(answer, Mapping) and answer.get("type") == "ack"
    finally:
        with anyio.CancelScope(shield=True):
            if acknowledged:
                await store.write(background_tasks.taken, run)
            else:
                await store.write(background_tasks.withdraw, run, offer.until)
    if not acknowledged:
        await websocket.close(PROTOCOL_VIOLATION, "expected 'ack' message")
    return acknowledged
