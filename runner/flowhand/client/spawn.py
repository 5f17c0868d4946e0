"""Starting the server program as a process of its own: detached, its words in `<home>/server/server.log`."""

from __future__ import annotations

import os
import select
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from flowhand.client.published import server_directory
from flowhand.errors import ServerUnusable
from flowhand.settings import Settings, env_name

_LOG_KEPT: Final = 4_000_000
"""Bytes of log above which a new start begins a new file; one older file is kept."""


@dataclass(slots=True)
class Spawned:
    """A server that was just started. `status` is its exit status once it has gone."""

    pid: int
    log: Path
    log_from: int
    status: int | None = None

    def exited_within(self, seconds: float) -> bool:
        """Waits up to `seconds` for its end; whether it has ended."""
        if self.status is None and _ends(self.pid, seconds):
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status is not None


def server_command(*arguments: str) -> list[str]:
    """How the server program is run. `-P` keeps modules of the working directory from shadowing its own."""
    return [sys.executable, "-P", "-m", "flowhand_server", *arguments]


def server_environment(settings: Settings) -> dict[str, str]:
    """This process's environment with the server's settings laid over it: they may come from a file that the server would not find."""
    environ = dict(os.environ)
    for spec in fields(Settings):
        value = getattr(settings, spec.name)
        if spec.name.startswith(("server_", "log_")) and value is not None and value != spec.default:
            environ[env_name(spec.name)] = str(value)
    environ["FLOWHAND_HOME"] = str(settings.home)
    return environ


def spawn_server(settings: Settings, *options: str) -> Spawned:
    """Starts `python -m flowhand_server OPTIONS --home HOME`, detached. ServerUnusable when there is no starting it."""
    log = server_directory(settings.home) / "server.log"
    command = server_command(*options, "--home", str(settings.home))
    try:
        log_from = _rotated(log)
        pid = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", 'cd / && exec "$@"', "sh", *command],  # a server must not keep the folder it was started from in use
            server_environment(settings),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
    except OSError as error:
        raise ServerUnusable(f"the server cannot be started: {error.strerror}: {error.filename or log}") from None
    return Spawned(pid, log, log_from)


def last_lines(log: Path, log_from: int, lines: int = 6) -> str:
    """What the server said last, indented under a colon; empty when it said nothing."""
    try:
        with log.open("rb") as file:
            file.seek(max(log_from, log.stat().st_size - 8192))
            said = file.read().decode("utf-8", "replace").strip().splitlines()[-lines:]
    except OSError:
        return ""
    return ":\n" + "\n".join(f"  {line}" for line in said) if said else ""


def _rotated(log: Path) -> int:
    """Sets a log that has grown large aside. The offset at which the next words will stand."""
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return 0
    if size <= _LOG_KEPT:
        return size
    log.replace(log.with_suffix(".log.1"))
    return 0


def _ends(pid: int, seconds: float) -> bool:
    handle = os.pidfd_open(pid)
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)
