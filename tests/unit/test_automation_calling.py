"""Calling somebody for an automation: whatever the block and the other side do, the call ends, in time and in one line."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from flowhand.errors import FlowhandError
from flowhand_server.automations.calling import CallFailed, OutsideCall, send
from support.scripted_api import Say, scripted_api

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://[::1"},
        {"url": "http://127.0.0.1:99999/"},
        {"url": "http://127.0.0.1:x/"},
        {"url": "http://127.0.0.1/\x07"},
        {"headers": {"X-Name": "s\u00e9cret"}},
        {"method": "P\u00f6ST"},
    ],
)
async def test_what_cannot_be_asked_is_a_call_that_failed(fields: dict[str, Any]) -> None:
    """So that it is told of and not tried again; without the URL and the headers."""
    with scripted_api(lambda _: Say()) as receiver, pytest.raises(CallFailed, match="cannot be used") as failed:
        await send(replace(OutsideCall("POST", receiver.url), **fields))
    assert "cret" not in str(failed.value)


async def test_a_name_that_is_none_cannot_be_resolved() -> None:
    """Nothing else comes out of it."""
    with pytest.raises(FlowhandError, match="cannot be resolved"):
        await send(OutsideCall("POST", "http://a\0b/"))


@asynccontextmanager
async def dripping() -> AsyncGenerator[str]:
    """The URL of a server that never ceases to answer, one header after the other, so that no single read waits for long."""
    over = asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not over.is_set() and not writer.is_closing():
            writer.write(b"X: y\r\n")
            try:
                await writer.drain()
                await asyncio.wait_for(over.wait(), 0.02)
            except TimeoutError:
                continue
            except ConnectionError:
                break
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, family=socket.AF_INET)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        over.set()
        server.close()


async def test_the_time_bounds_the_whole_call() -> None:
    """Not each read of it: who drips cannot hold a caller until the action is somebody else's."""
    async with dripping() as url, asyncio.timeout(5):
        with pytest.raises(CallFailed, match=r"did not answer within 0\.3 seconds"):
            await send(OutsideCall("POST", url), 0.3)


async def test_an_answer_is_not_unpacked() -> None:
    """A few bytes could be gigabytes: none is asked for, and one that comes is told of as it is."""
    bomb = gzip.compress(b"boom" * 1_000_000)
    with scripted_api(lambda _: Say(500, bomb, {"content-encoding": "gzip"})) as receiver:
        with pytest.raises(CallFailed, match="answered 500") as failed:
            await send(OutsideCall("POST", receiver.url))
        assert receiver.asked[0].headers["accept-encoding"] == "identity"
    assert "boomboom" not in str(failed.value)
