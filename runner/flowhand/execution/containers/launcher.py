"""The Launcher port for containers: each attempt is a program of ours that the keeper has, and a container that it stands for."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
import structlog

from flowhand.deployments.images.engine import engine
from flowhand.errors import EngineUnavailable
from flowhand.execution.containers.box import INSTANCE_LABEL, KEY_LABEL
from flowhand.execution.containers.handover import Folder
from flowhand.execution.containers.removing import PATIENCE_S, labelled, remove
from flowhand.execution.launcher import Channel, Event, Held, Launcher, Progress, Started, StopReason, Vanished
from flowhand.execution.sweep import instance_mark
from flowhand.wire.job import Container, Job, key_of

log = structlog.get_logger("flowhand.execution")
_FOLDERS: Final = "containers"


class DockerLauncher:
    """Over `processes`, which has the programs, and attempts that are no containers. `directory` is the instance's."""

    def __init__(self, processes: Launcher, directory: Path, *, python: str = sys.executable) -> None:
        self._processes = processes
        self._folders = directory / _FOLDERS
        self._instance = instance_mark(directory)
        self._python = python

    async def open(self) -> list[Held]:
        """See the port. Containers whose attempt is not held any more are ended."""
        held = await self._processes.open()
        alive = {one.key for one in held if one.exit is None}
        await self._end({path.name for path in self._folders.glob("*")} - alive)
        return held

    async def start(self, job: Job, kill_at: float | None = None) -> Started:
        """See the port. What the engine or the registry refuses is the attempt's end, in words: pulling may take minutes."""
        container = job.get("container")
        if container is None:  # a pool may have both
            return await self._processes.start(job, kill_at)
        key = key_of(job["run_id"], job["attempt"])
        folder = self._folder(key)
        folder.write(job, self._labelled(container, key))
        program = job.copy()
        program.pop("container", None)
        program["env"], program["directory"], program["python"] = {}, str(self._folders / key), None
        program["command"] = [self._python, "-P", "-m", "flowhand.execution.containers", str(self._folders / key)]
        started = await self._processes.start(program, kill_at)
        return Started(started.key, started.pid, None)

    async def extend(self, kill_at: Mapping[str, float | None]) -> None:
        """See the port."""
        await self._processes.extend(kill_at)

    async def stop(self, key: str, reason: StopReason, grace_s: float) -> None:
        """See the port."""
        await self._processes.stop(key, reason, grace_s)

    async def read(self, key: str, channel: Channel, offset: int, limit: int) -> bytes:
        """See the port."""
        return await self._processes.read(key, channel, offset, limit)

    async def forget(self, key: str) -> None:
        """See the port. What lives is killed, and its end not told: so the container is looked for here."""
        await self._processes.forget(key)
        await self._end([key])
        self._folder(key).remove()

    async def events(self) -> AsyncIterator[Event]:
        """See the port. An end is told once the container has ended, too."""
        async for event in self._processes.events():
            if not isinstance(event, Progress):
                await self._end(event.keys if isinstance(event, Vanished) else [event.key])
            yield event

    async def close(self, *, dismiss: bool) -> None:
        """See the port."""
        await self._processes.close(dismiss=dismiss)

    def _folder(self, key: str) -> Folder:
        return Folder(self._folders / key)

    def _labelled(self, container: Container, key: str) -> Container:
        labelled = container.copy()
        labelled["labels"] = {**container["labels"], KEY_LABEL: key, INSTANCE_LABEL: self._instance}
        return labelled

    async def _end(self, keys: Iterable[str]) -> None:
        """Ends the containers whose program did not see their end."""
        left = [key for key in keys if (self._folders / key).exists() and not self._folder(key).finished]
        if left:
            for key in await anyio.to_thread.run_sync(_kill, left):
                if (self._folders / key).exists():  # not forgotten meanwhile
                    self._folder(key).finish()


def _kill(keys: list[str]) -> list[str]:
    """Those of which nothing is left."""
    gone: list[str] = []
    try:
        with engine(PATIENCE_S) as client:
            for key in keys:
                refusals = [_removed(container) for container in labelled(client, f"{KEY_LABEL}={key}")]
                gone += [key] if not any(refusals) else []
    except EngineUnavailable as error:  # it dies by its channel's end
        log.warning("Containers could not be looked for", why=str(error))
    return gone


def _removed(container: Any) -> str | None:
    log.warning("Ending a container whose program is gone", container=container.name)
    refused = remove(container)
    if refused is not None:
        log.warning("A container could not be ended", why=refused)
    return refused
