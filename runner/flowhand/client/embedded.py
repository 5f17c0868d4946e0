"""The embedded server: found, or started, when no API is configured (docs/protocol.md, The home).

The server is a process of its own, `python -m flowhand_server --embedded`, detached. It holds `server.lock` itself; what is locked here is
the *starting*, so that of two clients that find nobody home one starts a server and the other waits for it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from flowhand.client.address import Address, configured_address, published_address
from flowhand.client.published import Published, published_server, server_directory
from flowhand.client.spawn import Spawned, last_lines, spawn_server
from flowhand.client.succession import give_way, is_outdated
from flowhand.client.transport import httpx, sync_client
from flowhand.errors import ServerUnusable
from flowhand.settings import Settings

START_S: Final = 30.0
_LOOK_S: Final = 0.02


def ensure_api(settings: Settings, *, start_s: float = START_S) -> Address:
    """The configured API, or this home's own server, started when it is not running. Blocking; at most about `start_s` seconds.

    Safe in any number of processes at once. ServerUnusable says why no server can be had and what to do.
    """
    configured = configured_address(settings)
    if configured is not None:
        return configured
    published = published_server(settings.home)
    found = _running(settings)
    if found is not None and (published is None or not is_outdated(published)):
        return found
    return start_locked(settings, ("--embedded",), start_s)


def start_server(settings: Settings, *options: str) -> Published:
    """Starts a server that stays until it is stopped, and returns when it answers. ServerUnusable says why it cannot be had."""
    start_locked(settings, options)
    published = published_server(settings.home)
    if published is None:
        raise ServerUnusable(f"the server of {settings.home} left right after it started; see `server/server.log` there")
    return published


def start_locked(settings: Settings, options: Sequence[str], start_s: float = START_S) -> Address:
    """Starts this home's server, unless one runs that will do, and waits until it answers. ServerUnusable when it cannot."""
    directory = _prepared(settings.home)
    with _starting(directory):
        published = published_server(settings.home)
        found = _running(settings)
        if found is not None and not (published is not None and is_outdated(published) and give_way(published, found)):
            return found
        return _await(spawn_server(settings, *options), settings, start_s)


def _running(settings: Settings) -> Address | None:
    published = published_server(settings.home)
    if published is None:
        return None
    address = published_address(settings, published)
    return address if _answers(address) else None


def _answers(address: Address) -> bool:
    with sync_client(Address(address.url, tls_ca=address.tls_ca), 3.0) as http:  # no token before we know that somebody of ours is there
        try:
            return http.get("health").status_code == 200
        except httpx.TransportError:
            return False


def _await(server: Spawned, settings: Settings, start_s: float) -> Address:
    """Until a server answers, ours or another; woken at once when the one we started exits."""
    deadline = time.monotonic() + start_s
    while time.monotonic() < deadline:
        found = _running(settings)
        if found is not None:
            return found
        if server.status == LOCKED:
            time.sleep(_LOOK_S)  # another server has the database open and is about to publish itself
        elif server.exited_within(_LOOK_S) and server.status != LOCKED:
            raise ServerUnusable(_why(server, settings.home))
    raise ServerUnusable(_silent(server, settings.home, start_s))


_NO_ROOM: Final = 1_000_000
"""Bytes below which nothing can be begun."""
LOCKED: Final = 75
"""How the server exits when another one holds `server.lock` (EX_TEMPFAIL, sysexits.h)."""


def _why(server: Spawned, home: Path) -> str:
    said = last_lines(server.log, server.log_from)
    if not said and shutil.disk_usage(home).free < _NO_ROOM:
        said = f"; the disk of {home} is full, free some space"  # which is also why its log does not say so
    return f"the server of {home} could not start (exit status {server.status}){said or f'; its log is {server.log}'}"


def _silent(server: Spawned, home: Path, start_s: float) -> str:
    published = published_server(home)
    if server.status == LOCKED and published is not None:
        return (
            f"a server has the database of {home} open (pid {published.pid}, {published.url}) but does not answer; "
            f"its log is {server.log}, `flowhand server stop` ends it"
        )
    return f"the server of {home} did not answer within {start_s:g} s; its log is {server.log}{last_lines(server.log, server.log_from)}"


def _prepared(home: Path) -> Path:
    directory = server_directory(home)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ServerUnusable(f"{directory} cannot be made ({error.strerror}); {ADVICE}") from None
    return directory


ADVICE: Final = "set FLOWHAND_HOME to a folder that can be written to, or FLOWHAND_API_URL to a server that runs elsewhere"


@contextmanager
def _starting(directory: Path) -> Generator[None, None, None]:
    try:
        handle = os.open(directory / "start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ServerUnusable(f"{directory} cannot be written to ({error.strerror}); {ADVICE}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # whoever has it waits at most START_S, and a dead holder lets go
        yield
    finally:
        os.close(handle)
