"""A launcher under test: its events are read all the time, and tests await what they tell."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from flowhand.errors import KeeperError
from flowhand.execution.launcher import Channel, Exit, Exited, Held, Launcher, Progress, StopReason, Vanished
from flowhand.execution.process import ProcessLauncher
from flowhand.wire import records

WITHIN_S = 20.0


async def eventually(condition: Callable[[], Any], within: float = WITHIN_S, what: str = "") -> Any:
    """Waits until the condition is true and answers it; fails after `within` seconds."""
    with anyio.move_on_after(within):
        while not (found := condition()):  # noqa: ASYNC110 - what is awaited is another process's doing
            await anyio.sleep(0.005)
        return found
    raise AssertionError(f"not within {within:g} s: {what or condition}")


class Following:
    """What a launcher has told so far."""

    def __init__(self, launcher: Launcher, held: list[Held]) -> None:
        self.launcher = launcher
        self.held = {one.key: one for one in held}
        self.progress: list[Progress] = []
        self.exits: dict[str, Exit] = {}
        self.vanished: dict[str, str] = {}
        self.failed: KeeperError | None = None

    async def follow(self) -> None:
        try:
            async for event in self.launcher.events():
                match event:
                    case Progress():
                        assert event.key not in self.exits, "a doorbell after the exit"
                        self.progress.append(event)
                    case Exited():
                        self.exits[event.key] = event.exit
                    case Vanished():
                        self.vanished.update(dict.fromkeys(event.keys, event.why))
        except KeeperError as error:
            self.failed = error

    async def ended(self, key: str, within: float = WITHIN_S) -> Exit:
        return await eventually(lambda: self.exits.get(key), within, f"the end of {key}")

    async def bytes_of(self, key: str, channel: Channel = Channel.STDOUT) -> bytes:
        data = b""
        while piece := await self.launcher.read(key, channel, len(data), 1 << 20):
            data += piece
        return data

    async def text_of(self, key: str, channel: Channel = Channel.STDOUT) -> str:
        return (await self.bytes_of(key, channel)).decode()

    async def printed(self, key: str, text: str, channel: Channel = Channel.STDOUT, within: float = WITHIN_S) -> str:
        with anyio.move_on_after(within):
            while True:
                found = await self.text_of(key, channel)
                if text in found:
                    return found
                await anyio.sleep(0.005)
        raise AssertionError(f"{key} has not written {text!r} within {within:g} s but {found!r}")

    async def frames(self, key: str) -> list[dict[str, Any]]:
        """The frames of the channel, parts put together."""
        frames: list[dict[str, Any]] = []
        parts: dict[int, bytes] = {}
        for record in records.decode(await self.bytes_of(key, Channel.CHANNEL)):
            body = parts.pop(record.pid, b"") + record.body
            if record.flags & records.MORE:
                parts[record.pid] = body
            else:
                frames.append(json.loads(body))
        return frames


@asynccontextmanager
async def following(instance: Path, *, dismiss: bool = True, environ: dict[str, str] | None = None) -> AsyncGenerator[Following, None]:
    """A process launcher of that instance, opened and followed; closed in the end. With `dismiss` nothing of it stays."""
    launcher = ProcessLauncher(instance, dict(os.environ) if environ is None else environ, grace_s=5.0)
    held = await launcher.open()
    follower = Following(launcher, held)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follower.follow)
        try:
            yield follower
        finally:
            if dismiss:
                await clear(follower)
            tasks.cancel_scope.cancel()
    await launcher.close(dismiss=dismiss)


async def clear(follower: Following) -> None:
    """Ends and forgets everything the instance holds, so that its keeper leaves when it is dismissed."""
    launcher = follower.launcher
    runs = {path.name.rpartition(".")[0] for path in (launcher._directory / "runs").iterdir()}  # type: ignore[attr-defined]
    living = set(launcher._owned)  # type: ignore[attr-defined]
    for key in living:
        await launcher.stop(key, StopReason.DRAIN, 0)
    for key in living:
        await eventually(lambda key=key: key in follower.exits or key in follower.vanished or follower.failed)
    for key in runs | living | set(follower.exits):
        await launcher.forget(key)


def keeper_pid(instance: Path) -> int:
    """The pid of the instance's first keeper."""
    return json.loads((instance / "keeper.json").read_text())["pid"]


def names_in(folder: Path) -> list[str]:
    """What stands in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


def environ_of(pid: int) -> bytes:
    """The environment a process was started with, as /proc shows it."""
    return Path(f"/proc/{pid}/environ").read_bytes()


def alive(pid: int) -> bool:
    """Whether there is such a process that is not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
