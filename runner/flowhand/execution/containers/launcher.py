"""The Launcher port for containers: each attempt is a program of ours that the keeper has, and a container that it stands for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
import structlog

from flowhand.deployments.images.engine import engine
from flowhand.errors import EngineUnavailable
from flowhand.execution.containers.box import INSTANCE_LABEL, KEY_LABEL
from flowhand.execution.containers.handover import Folder
from flowhand.execution.containers.removing import PATIENCE_S, labelled, remove
from flowhand.execution.launcher import EVERYTHING, Channel, Event, Exited, Held, Launcher, Started, StopReason, Vanished
from flowhand.execution.sweep import instance_mark
from flowhand.wire.job import Container, Job, key_of

log = structlog.get_logger("flowhand.execution")
_FOLDERS: Final = "containers"
_WHILE_AWAY: Final = "the worker's keeper was killed while no worker was there"
AGAIN_S: Final = 0.5
AGAIN_MOST_S: Final = 30.0
"""How long until a container is looked for again that may not have ended: twice as long each time, at most so long."""


class DockerLauncher:
    """Over `processes`, which has the programs, and attempts that are no containers. `directory` is the instance's."""

    def __init__(self, processes: Launcher, directory: Path, *, python: str = sys.executable) -> None:
        self._processes = processes
        self._folders = directory / _FOLDERS
        self._instance = instance_mark(directory)
        self._python = python
        self._unsure: set[str] = set()
        """Attempts of a launcher before us whose program is gone, and whose container may not be; `events` tells their end."""

    async def open(self) -> list[Held]:
        """See the port. Containers whose attempt is not held any more are ended; where the engine does not say so, it is held still."""
        held = await self._processes.open()
        alive = {one.key for one in held if one.exit is None}
        left = await self._end({path.name for path in self._folders.glob("*")} - alive)
        self._unsure = left - {one.key for one in held}
        return [*held, *(Held(key, 0, EVERYTHING, None) for key in sorted(self._unsure))]

    async def start(self, job: Job, kill_at: float | None = None) -> Started:
        """See the port. What the engine or the registry refuses is the attempt's end, in words: pulling may take minutes."""
        container = job.get("container")
        if container is None:  # a pool may have both
            return await self._processes.start(job, kill_at)
        key = key_of(job["run_id"], job["attempt"])
        if key in self._unsure:
            return Started(key, 0, None)
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

    def unbegun(self, key: str) -> bool:
        """See the port."""
        return self._processes.unbegun(key)

    async def forget(self, key: str) -> None:
        """See the port. What lives is killed, and its end not told: so the container is looked for here."""
        await self._processes.forget(key)
        if not await self._end([key]):  # else the next launcher of this instance looks for it again
            self._folder(key).remove()

    async def events(self) -> AsyncGenerator[Event]:
        """See the port. An end is told once the container has ended, too. Where the engine does not say so it is told all the same, but not
        that an attempt has vanished: whoever hears that may have it begun again elsewhere."""
        source = self._processes.events()
        late: set[asyncio.Future[Vanished]] = {asyncio.ensure_future(self._once_gone(key, _WHILE_AWAY)) for key in sorted(self._unsure)}
        following: asyncio.Future[Event | None] | None = None
        try:
            while True:
                following = following or asyncio.ensure_future(anext(source, None))
                done, _ = await asyncio.wait({following, *late}, return_when=asyncio.FIRST_COMPLETED)
                for vanished in late & done:
                    late.remove(vanished)
                    yield vanished.result()
                if following not in done:
                    continue
                event, following = following.result(), None
                if event is None:
                    return
                yield await self._ended(event, late)
        finally:
            for task in (following, *late):
                if task is not None:
                    task.cancel()

    async def close(self, *, dismiss: bool) -> None:
        """See the port."""
        await self._processes.close(dismiss=dismiss)

    def _folder(self, key: str) -> Folder:
        return Folder(self._folders / key)

    def _labelled(self, container: Container, key: str) -> Container:
        labelled = container.copy()
        labelled["labels"] = {**container["labels"], KEY_LABEL: key, INSTANCE_LABEL: self._instance}
        return labelled

    async def _ended(self, event: Event, late: set[asyncio.Future[Vanished]]) -> Event:
        """The event once its containers have ended; of attempts that vanished, `late` has those whose containers may not have."""
        if isinstance(event, Exited):
            await self._end([event.key])
        if not isinstance(event, Vanished):
            return event
        keys = [key for key in event.keys if key not in self._unsure]  # those are looked for already
        left = await self._end(keys)
        late |= {asyncio.ensure_future(self._once_gone(key, event.why)) for key in left}
        return Vanished([key for key in keys if key not in left], event.why)

    async def _once_gone(self, key: str, why: str) -> Vanished:
        log.warning("A run is not given up before its container has surely ended", key=key)
        pause_s = AGAIN_S
        while await self._end([key]):
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, AGAIN_MOST_S)
        self._unsure.discard(key)
        return Vanished([key], why)

    async def _end(self, keys: Iterable[str]) -> set[str]:
        """Ends the containers whose program did not see their end. Those of which something may be left."""
        unseen = {key for key in keys if (self._folders / key).exists() and not self._folder(key).finished}
        gone = await anyio.to_thread.run_sync(_kill, sorted(unseen)) if unseen else []
        for key in gone:
            if (self._folders / key).exists():  # not forgotten meanwhile
                self._folder(key).finish()
        return unseen.difference(gone)


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
