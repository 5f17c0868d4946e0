"""The services of one server: started together, supervised, stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from flowhand_server.store.errors import StoreUnavailable

from .service import Service

TRY_AGAIN_S: Final = 5.0
_log = structlog.get_logger("flowhand.server")


class Crew:
    """Runs services, each in a task of its own."""

    def __init__(self, services: Sequence[Service], *, try_again_s: float = TRY_AGAIN_S) -> None:
        self._services = services
        self._try_again_s = try_again_s
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Starts them all; starting twice is starting once."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(_supervise(service, self._try_again_s), name=service.name) for service in self._services]

    async def stop(self) -> None:
        """Stops them all and waits for that. Legal before the start, and twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []


async def _supervise(service: Service, try_again_s: float) -> None:
    trouble = ""
    while True:
        try:
            delay = await service.round()
        except Exception as error:  # noqa: BLE001 - one service's trouble is not another's, and the next round may do better
            words = f"{type(error).__name__}: {error}"
            if words != trouble:  # said once, until it is over or another
                defect = None if isinstance(error, StoreUnavailable) else error
                _log.error("a round failed; it is tried again and again", service=service.name, error=str(error), exc_info=defect)
            trouble, delay = words, try_again_s
        else:
            if trouble:
                _log.info("its rounds succeed again", service=service.name)
            trouble = ""
        await asyncio.sleep(delay)
