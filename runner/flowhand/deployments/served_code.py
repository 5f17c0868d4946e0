"""The code of what one script serves, where it comes from a source: pulled before the first run, and again as each source asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio
import structlog

from flowhand.deployments.sources import Storage
from flowhand.errors import PullStepFailed
from flowhand_storage.errors import StorageError

log = structlog.get_logger("flowhand.serve")


class ServedCode:
    """The storage objects of served deployments, with their code below `base`, which `$STORAGE_BASE_PATH` stands for."""

    def __init__(self, base: Path, storages: Iterable[Any]) -> None:
        self.base = base
        self._storages: dict[Path, Storage] = {}
        for storage in storages:
            storage.set_base_path(base)
            self._storages.setdefault(storage.destination, storage)

    def __bool__(self) -> bool:
        return bool(self._storages)

    async def pull(self) -> None:
        """Brings all of it here, each source once. PullStepFailed."""
        for storage in self._storages.values():
            try:
                await asyncio.to_thread(storage.pull_code)
            except StorageError as error:
                raise PullStepFailed(f"the code of what is served cannot be pulled: {error}") from None

    async def keep_fresh(self) -> None:
        """Pulls each source again at its own interval, until it is cancelled. Runs that have begun keep the code that they began with; a
        pull that fails is told, and the code stays as it is until the next."""
        async with anyio.create_task_group() as group:
            for storage in self._storages.values():
                if interval := getattr(storage, "pull_interval", None):
                    group.start_soon(self._again, storage, interval)

    async def _again(self, storage: Storage, interval_s: float) -> None:
        while True:
            await anyio.sleep(interval_s)
            try:
                await asyncio.to_thread(storage.pull_code)
            except StorageError as error:
                log.warning("Code could not be pulled; runs start with what is here", why=str(error), where=str(storage.destination))
