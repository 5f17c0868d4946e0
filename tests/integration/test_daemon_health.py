"""The health endpoints of a daemon, over real sockets."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import httpx
import pytest

from flowhand.clock import SystemClock
from flowhand.daemon.health import DEAF_S, Health, serve_health
from flowhand.daemon.journal import Journal
from flowhand.daemon.registry import Registry

pytestmark = pytest.mark.anyio
LINGER_NOT = struct.pack("ii", 1, 0)
"""Has a close answered by a reset (socket(7), SO_LINGER)."""


class Claims:
    """What the endpoints read of a poller: when a claim last went round."""

    def __init__(self) -> None:
        self.last_success = SystemClock().monotonic()


class Reports:
    """What they read of a reporter."""

    idle = True


@asynccontextmanager
async def served(tmp_path: Path) -> AsyncGenerator[tuple[int, Claims], None]:
    """The endpoints on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    claims, journal = Claims(), Journal(tmp_path / "journal")
    health = Health(cast("Any", claims), Registry(3), cast("Any", Reports()), journal, SystemClock())
    async with anyio.create_task_group() as group:
        await group.start(serve_health, health, "127.0.0.1", port)
        yield port, claims
        group.cancel_scope.cancel()
    journal.close()


async def get(port: int, path: str) -> httpx.Response:
    """The answer."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(f"http://127.0.0.1:{port}{path}", timeout=10)


async def test_a_daemon_that_hears_the_server_is_ready(tmp_path: Path) -> None:
    """200 while claims go round, 503 with the reason when none has for long; alive all the same."""
    async with served(tmp_path) as (port, claims):
        ready = await get(port, "/readyz")
        assert ready.status_code == 200
        claims.last_success -= DEAF_S + 1
        deaf = await get(port, "/readyz")
        assert (deaf.status_code, "no claim" in deaf.text) == (503, True)
        alive = await get(port, "/livez")
        assert alive.status_code == 200


async def test_metrics_are_prometheus_text(tmp_path: Path) -> None:
    """One gauge a line, with its help."""
    async with served(tmp_path) as (port, _):
        answer = await get(port, "/metrics")
        assert "flowhand_slots 3\n" in answer.text


async def test_probes_that_hang_up_end_nothing(tmp_path: Path) -> None:
    """A TCP probe connects and closes, at once or by a reset: the endpoints, and with them the daemon, go on."""
    async with served(tmp_path) as (port, _):
        for close_by_reset in (False, True):
            for said in (b"", b"GET /livez HTTP/1.0\r\n\r\n", b"\x16\x03\x01 no HTTP at all"):
                with socket.create_connection(("127.0.0.1", port)) as probe:
                    if close_by_reset:
                        probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                    probe.sendall(said)
                await anyio.wait_all_tasks_blocked()
                answer = await get(port, "/livez")
                assert answer.status_code == 200
