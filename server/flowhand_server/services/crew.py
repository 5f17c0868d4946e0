"""The services of one server: started together, supervised, stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from .service import Service

TRY_AGAIN_S: Final = 5.0
_log = structlog.get_logger("flowhand.server")


class Crew:
    """Runs services, each in a task of its own."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = services
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Starts them all; starting twice is starting once."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(_supervise(service), name=service.name) for service in self._services]

    async def stop(self) -> None:
        """Stops them all and waits for that. Legal before the start, and twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []


async def _supervise(service: Service) -> None:
    while True:
        try:
            delay = await service.round()
        except Exception:  # noqa: BLE001 - one service's trouble is not another's, and the next round may do better
            _log.exception("a round failed", service=service.name)
            delay = TRY_AGAIN_S
        await asyncio.sleep(delay)
