"""`/events` over HTTP and websockets (contract 8)."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import anyio
import orjson
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import APIRouter, Body, HTTPException, Query, Request, Response, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from flowhand.clock import to_datetime
from flowhand.wire.events import MAX_EVENT_BYTES, Event, EventCount, EventCountQuery, EventFilter, EventPage, EventQuery
from flowhand_server.events.feed import Feed
from flowhand_server.events.spans import TooManySpans
from flowhand_server.routes.context import Now, StoreDep, nothing, now_us, reply, shows
from flowhand_server.routes.sockets import PROTOCOL_ERROR, TRY_AGAIN, filter_of, greet, send, while_connected
from flowhand_server.store import event_counts, events
from flowhand_server.store.store import Store

router = APIRouter(tags=["Events"])

BACKFILL: Final = timedelta(minutes=15)
"""How far back a stream begins at most."""
BATCH: Final = 200
Countable = Literal["day", "time", "event", "resource"]


@router.post("/events", status_code=204, response_class=Response)
async def add_events(batch: Annotated[list[Event], Body()], store: StoreDep, now: Now) -> Response:
    """Stores events, each id once."""
    await store.write(events.add_events, batch, now)
    return nothing()


@router.post("/events/filter", responses=shows(EventPage))
async def find_events(query: EventQuery, request: Request, store: StoreDep) -> Response:
    """Events that fit, the newest first unless told otherwise, and where the next ones are."""
    return reply(await _page(request, store, query.filter or EventFilter(), query.limit, None))


@router.get("/events/filter/next", responses=shows(EventPage), name="next_events")
async def next_events(request: Request, store: StoreDep, token: Annotated[str, Query(alias="page-token")]) -> Response:
    """The page that an earlier page points to."""
    try:
        limit, occurred, cursor, wanted = orjson.loads(base64.urlsafe_b64decode(token))
        wanted = EventFilter.model_validate(wanted)
        return reply(await _page(request, store, wanted, int(limit), (int(occurred), int(cursor))))
    except (binascii.Error, ValueError, TypeError):
        raise HTTPException(403, "Invalid page token") from None


async def _page(request: Request, store: Store, wanted: EventFilter, limit: int, after: events.Place | None) -> dict[str, Any]:
    found = await store.read(events.search, wanted, limit, after)
    total = await store.read(event_counts.count, wanted)
    following = None
    if limit and len(found) == limit:
        token = base64.urlsafe_b64encode(orjson.dumps([limit, *found[-1][0], wanted.model_dump(mode="json")])).decode()
        following = str(request.url_for("next_events").include_query_params(**{"page-token": token}))
    return {"events": [event for _, event in found], "total": total, "next_page": following}


@router.post("/events/count-by/{countable}", responses=shows(list[EventCount]))
async def count_events(
    countable: Literal["day", "time", "event", "resource"], query: EventCountQuery, store: StoreDep, now: Now
) -> Response:
    """How many events fit, by name, resource, or spans of time."""
    if countable == "event":
        return reply(await store.read(event_counts.count_by_name, query.filter))
    if countable == "resource":
        return reply(await store.read(event_counts.count_by_resource, query.filter))
    unit, interval = ("day", 1.0) if countable == "day" else (query.time_unit, query.time_interval)
    try:
        return reply(await store.read(event_counts.count_by_time, query.filter, unit, interval, now))
    except TooManySpans as error:
        raise HTTPException(422, str(error)) from None


# --- in --------------------------------------------------------------------------------------------------------------------------------


@router.websocket("/events/in")
async def events_in(websocket: WebSocket) -> None:
    """Takes one event a message and says nothing. What comes together is stored together."""
    try:
        if not await greet(websocket):
            return
    except WebSocketDisconnect:
        return
    sender, receiver = anyio.create_memory_object_stream[Event](BATCH)
    async with anyio.create_task_group() as group:
        group.start_soon(_store_batches, websocket, receiver)
        async with sender:
            await _take_events(websocket, sender)


async def _take_events(websocket: WebSocket, sender: MemoryObjectSendStream[Event]) -> None:
    """Until the client goes. It is made to wait when the database does not keep up."""
    while True:
        try:
            text = await websocket.receive_text()
        except WebSocketDisconnect:
            return
        try:
            event = Event.model_validate_json(text) if len(text) <= MAX_EVENT_BYTES else None
        except ValidationError:
            event = None
        if event is None:
            await websocket.close(PROTOCOL_ERROR, "not an event, or larger than events may be")
            return
        await sender.send(event)


async def _store_batches(websocket: WebSocket, receiver: MemoryObjectReceiveStream[Event]) -> None:
    """Stores what has come, until nothing more can come."""
    store: Store = websocket.app.state.store
    async with receiver:
        async for event in receiver:
            batch = [event]
            while len(batch) < BATCH:
                try:
                    batch.append(receiver.receive_nowait())
                except (anyio.WouldBlock, anyio.EndOfStream):
                    break
            await store.write(events.add_events, batch, now_us(websocket))


# --- out -------------------------------------------------------------------------------------------------------------------------------


@router.websocket("/events/out")
async def events_out(websocket: WebSocket) -> None:
    """Sends events as they happen: first those of the last minutes that fit, then what comes."""
    if (asked := await filter_of(websocket, EventFilter)) is not None:
        wanted, message = asked
        await while_connected(websocket, lambda: _stream(websocket, wanted, bool(message.get("backfill", True))))


async def _stream(websocket: WebSocket, wanted: EventFilter, backfill: bool) -> None:
    feed: Feed = websocket.app.state.feed
    listener = await feed.listen(wanted)
    try:
        sent = await _send_stored(websocket, wanted) if backfill else set[str]()
        while (event := await listener.next()) is not None:
            if event["id"] not in sent:
                await send(websocket, {"type": "event", "event": event})
        await websocket.close(TRY_AGAIN, "the reader does not keep up")
    finally:
        feed.leave(listener)


async def _send_stored(websocket: WebSocket, wanted: EventFilter) -> set[str]:
    """Sends the stored events that fit, in the order they happened; their ids."""
    store: Store = websocket.app.state.store
    floor = to_datetime(now_us(websocket)) - BACKFILL
    occurred = wanted.occurred.model_copy(update={"since": max(floor, wanted.occurred.since or floor)})
    rising = wanted.model_copy(update={"occurred": occurred, "order": "ASC"})
    sent: set[str] = set()
    after: events.Place | None = None
    while found := await store.read(events.search, rising, BATCH, after):
        for after, event in found:  # noqa: B007  the last place is where the next page begins
            sent.add(event["id"])
            await send(websocket, {"type": "event", "event": event})
    return sent
