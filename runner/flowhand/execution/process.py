"""Runs as processes of this host, through the keeper.

When a keeper is killed its attempts die with it; their strays are ended, the daemon is told, their files stay readable, and the next start
brings up a new keeper.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from flowhand.errors import KeeperError, LaunchError, StartUnsure
from flowhand.execution import sweep
from flowhand.execution.attempt_files import AttemptFiles
from flowhand.execution.keeper_link import ANSWER_S, KeeperRefused, Link
from flowhand.execution.keepers import Keepers
from flowhand.execution.launcher import Channel, Event, Exit, Exited, Held, Progress, Sizes, Started, StopReason, Vanished
from flowhand.execution.news import News
from flowhand.keeper import exits, permits
from flowhand.keeper.instance import RUNS
from flowhand.keeper.loop import now
from flowhand.keeper.protocol import Message
from flowhand.wire.job import Job, key_of

_KEEPERS: Final = 3
"""So many are asked to start an attempt, one after the other, where each has just been told to end."""


@dataclass(frozen=True, slots=True)
class _Owned:
    """An attempt that has not ended, and the keeper that has it."""

    link: Link
    mark: str


class ProcessLauncher:
    """The Launcher port (`execution.launcher`) over keepers.

    `directory` is the instance's, whose lock the caller holds; `environ` what runs inherit; `grace_s` the seconds between SIGTERM and
    SIGKILL when the keeper itself is asked to end.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str], *, grace_s: float = 30.0, python: str = sys.executable) -> None:
        self._directory = directory
        self._environ = environ
        self._python = python
        self._grace_s = grace_s
        self._owned: dict[str, _Owned] = {}
        self._keepers: Keepers
        self._runs = -1
        self._files: AttemptFiles
        self._news: News[Link | Vanished]

    async def open(self) -> list[Held]:
        """See the port. An attempt listed here with its exit is not told again by `events`."""
        (self._directory / RUNS).mkdir(0o700, parents=True, exist_ok=True)
        self._runs = os.open(self._directory / RUNS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._files = AttemptFiles(self._runs)
        self._news = News()
        self._keepers = Keepers(self._directory, self._environ, self._python, self._heard, self._news.add)
        found = exits.keys(self._runs)
        await self._keepers.adopt()
        await self._keepers.current()
        held = await self._take_over()
        return held + await self._left_behind(found - {one.key for one in held})

    async def start(self, job: Job, kill_at: float | None = None) -> Started:
        """See the port. The job's mark is the launcher's to set: it must be found again when all who knew of it are gone."""
        key = key_of(job["run_id"], job["attempt"])
        mark = sweep.mark_of(self._directory, key)
        body = {"job": {**job, "mark": mark}, "grace_s": self._grace_s, "kill_at": kill_at}
        for _ in range(_KEEPERS):
            try:
                link = await self._keeper_for(key)
            except KeeperError as error:
                raise LaunchError(str(error)) from error
            self._owned[key] = _Owned(link, mark)
            started = await self._started_by(link, key, body)
            if started is not None:
                return started
        raise LaunchError(f"each of {_KEEPERS} keepers was told to end before it could start it")

    async def extend(self, kill_at: Mapping[str, float | None]) -> None:
        """See the port."""
        by_link: dict[Link, dict[str, float | None]] = {}
        for key, when in kill_at.items():
            owned = self._owned.get(key)
            if owned is not None:
                by_link.setdefault(owned.link, {})[key] = when
        for link, part in by_link.items():
            await self._keepers.ask_if_there(link, "DEADLINE", kill_at=part)

    async def stop(self, key: str, reason: StopReason, grace_s: float) -> None:
        """See the port."""
        owned = self._owned.get(key)
        if owned is not None:
            await self._keepers.ask_if_there(owned.link, "KILL", key=key, reason=reason, grace_s=grace_s)

    async def read(self, key: str, channel: Channel, offset: int, limit: int) -> bytes:
        """See the port."""
        return self._files.read(key, channel, offset, limit)

    def unbegun(self, key: str) -> bool:
        """See the port."""
        return permits.stands(self._runs, key)

    async def forget(self, key: str) -> None:
        """See the port. Every keeper is asked: a newer one may have found the files of an older one's attempt."""
        self._files.forget(key)
        self._owned.pop(key, None)
        asked = [await self._ask_to_forget(link, key) for link in list(self._keepers.links)]
        if not any(asked):
            exits.remove(self._runs, key)

    async def events(self) -> AsyncIterator[Event]:
        """See the port. KeeperError when another daemon has taken the keeper over."""
        while True:
            growth, rest = await self._news.take()
            for key, sizes in growth.items():
                yield Progress(key, sizes)
            for item in rest:
                if isinstance(item, Link):
                    for event in await self._mourn(item):
                        yield event
                else:
                    yield item

    async def close(self, *, dismiss: bool) -> None:
        """See the port. Idempotent."""
        if self._runs >= 0:
            await self._keepers.close(dismiss=dismiss)
            self._files.close()
            os.close(self._runs)
            self._runs = -1

    async def _ask_to_forget(self, link: Link, key: str) -> bool:
        """Whether the keeper does it; one that is stopped does when it goes on, since it reads what it was asked in order."""
        try:
            return await self._keepers.ask_if_there(link, "FORGET", key=key)
        except KeeperError:
            return True

    async def _started_by(self, link: Link, key: str, body: Message) -> Started | None:
        """None: it was told to end and starts nothing any more. LaunchError as `start` says."""
        try:
            answer = await link.ask("START", **body, until=now() + ANSWER_S)
        except KeeperRefused as error:
            self._owned.pop(key, None)
            if link.retired:
                return None
            raise LaunchError(str(error)) from None
        except KeeperError as error:
            # It may have begun. If its keeper has gone, it died with it, and `events` says so. If its keeper is stopped, that one refuses
            # to start it once `until` is over, or ends it by the FORGET that follows.
            raise (LaunchError if link.connected else StartUnsure)(str(error)) from error
        return Started(key, answer["pid"], answer["spawned"])

    async def _keeper_for(self, key: str) -> Link:
        owned = self._owned.get(key)
        return owned.link if owned is not None else await self._keepers.current()

    async def _take_over(self) -> list[Held]:
        """What the keepers hold, followed from now on."""
        held: dict[str, Held] = {}
        for link in self._keepers.links:
            for one in (await link.ask("LIST"))["held"]:
                held[one["key"]] = _held(one)
                if one["exit"] is None:
                    self._owned[one["key"]] = _Owned(link, one["mark"])
            keys = [key for key, owned in self._owned.items() if owned.link is link]
            await link.ask("FOLLOW", keys=keys)
        return list(held.values())

    async def _left_behind(self, keys: set[str]) -> list[Held]:
        """Attempts of keepers that were killed: those with an exit are held, the others have vanished, which `events` will say."""
        ended, lost = self._by_exit(keys)
        if lost:
            await self._end_strays({sweep.mark_of(self._directory, key) for key in lost})
            self._news.add(Vanished(sorted(lost), "the worker's keeper was killed while no worker was there"))
        return [Held(exited.key, 0, exited.exit.sizes, exited.exit) for exited in ended]

    def _by_exit(self, keys: set[str]) -> tuple[list[Exited], set[str]]:
        told = {key: exits.read(self._runs, key) for key in keys}
        ended = [Exited(key, _exit(message)) for key, message in told.items() if message is not None]
        return ended, {key for key, message in told.items() if message is None}

    async def _mourn(self, link: Link) -> list[Event]:
        """What a lost connection means. KeeperError when the keeper lives and does not want us."""
        if not await link.dead():
            raise KeeperError(f"the keeper, pid {link.pid}, let us go: {link.dropped or 'see keeper.log'}")
        self._keepers.remove(link)
        owned = {key: one for key, one in self._owned.items() if one.link is link}
        for key in owned:
            del self._owned[key]
        ended, lost = self._by_exit(set(owned))
        events: list[Event] = list(ended)
        if lost:
            await self._end_strays({owned[key].mark for key in lost})
            events.append(Vanished(sorted(lost), f"the worker's keeper, pid {link.pid}, was killed"))
        return events

    async def _end_strays(self, marks: set[str]) -> None:
        await anyio.to_thread.run_sync(sweep.end_marked, marks.__contains__)

    # --- what keepers say

    def _heard(self, link: Link, message: Message) -> None:
        op, key = message.get("op"), message.get("key", "")
        if op == "GROWN" and key in self._owned:
            self._news.grown(key, _sizes(message["sizes"]))
        elif op == "EXIT" and self._owned.pop(key, None) is not None:
            self._news.ended(Exited(key, _exit(message["exit"])))


def _held(one: dict[str, Any]) -> Held:
    return Held(one["key"], one["pid"], _sizes(one["sizes"]), _exit(one["exit"]) if one["exit"] is not None else None)


def _sizes(one: Mapping[str, int]) -> Sizes:
    return Sizes(one["channel"], one["stdout"], one["stderr"])


def _exit(one: exits.ExitMessage) -> Exit:
    return Exit(
        code=one["code"],
        signal=one["signal"],
        sizes=_sizes(one["sizes"]),
        cpu_s=one["cpu_s"],
        peak_bytes=one["peak_bytes"],
        wall_s=one["wall_s"],
        oom=one["oom"],
        stopped=StopReason(one["stopped"]) if one["stopped"] else None,
        killed=one["killed"],
        survivors=list(one["survivors"]),
    )
