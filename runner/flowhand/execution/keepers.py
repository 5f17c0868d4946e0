"""The keepers of an instance: usually one; more while an older one finishes what it holds.

One that lives is adopted. One of another protocol, code or environment is retired: it starts nothing any more and leaves with its last
attempt, while a new one beside it starts what comes.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import anyio

from flowhand.errors import KeeperError
from flowhand.execution import keeper_start
from flowhand.execution.keeper_link import Link, connect
from flowhand.keeper.protocol import PROTOCOL, Message

_MOST: Final = 16


class Keepers:
    """Links to all living keepers. `heard` and `lost` are as `keeper_link.Link` calls them. To be made within the event loop."""

    def __init__(
        self,
        directory: Path,
        environ: Mapping[str, str],
        python: str,
        heard: Callable[[Link, Message], None],
        lost: Callable[[Link], None],
    ) -> None:
        self.links: list[Link] = []
        self._directory = directory
        self._image = keeper_start.image(python, environ)
        self._heard = heard
        self._lost = lost
        self._folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._starting = anyio.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    async def adopt(self) -> None:
        """Connects to those that live, and retires those that are not what we would start. KeeperError when one does not want us."""
        for one in keeper_start.announcements(self._directory):
            try:
                link = await self._connect(one.number, one.pid)
            except KeeperError:
                if one in keeper_start.announcements(self._directory):
                    raise
                continue  # it was about to leave
            if one.protocol != PROTOCOL or one.fingerprint != self._image.fingerprint:
                await self.retire(link)

    async def current(self) -> Link:
        """The keeper that starts what comes; brought up when there is none."""
        async with self._starting:
            for link in self.links:
                if link.connected and not link.retired:
                    return link
            number = self._free_number()
            self._reap()
            self._process = await keeper_start.start(self._directory, number, self._image)
            return await self._connect(number, self._process.pid)

    async def ask_if_there(self, link: Link, op: str, **body: Any) -> bool:
        """Whether the keeper did what it was asked; one that is gone, or goes meanwhile, has nothing left to do it to."""
        try:
            if link.connected:
                await link.ask(op, **body)
                return True
        except KeeperError:
            if link.connected:
                raise
        return False

    async def retire(self, link: Link) -> None:
        """Lets it start nothing more and leave when it holds nothing more."""
        link.retired = True
        await self.ask_if_there(link, "RETIRE")

    def remove(self, link: Link) -> None:
        """Its process is dead."""
        self._reap()
        self.links.remove(link)
        link.close()

    async def close(self, *, dismiss: bool) -> None:
        """Lets go of all of them; with `dismiss` they are retired."""
        links, self.links = self.links, []
        for link in links:
            if dismiss and not link.retired:
                await self.retire(link)
            link.close()
        self._reap()
        os.close(self._folder)

    async def _connect(self, number: int, pid: int) -> Link:
        link = await connect(self._folder, number, pid, self._image.version, self._heard, self._lost)
        self.links.append(link)
        return link

    def _free_number(self) -> int:
        taken = {one.number for one in keeper_start.announcements(self._directory)}
        number = next((number for number in range(1, _MOST) if number not in taken), None)
        if number is None:
            raise KeeperError(f"{len(taken)} keepers live in {self._directory}; end some of them")
        return number

    def _reap(self) -> None:
        if self._process is not None:
            self._process.poll()
