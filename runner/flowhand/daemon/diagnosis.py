"""What is wrong here: the checks of `flowhand doctor`. Each looks at one thing, changes nothing, and says what to do."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

from flowhand.client.address import Address, configured_address, published_address
from flowhand.client.published import published_server
from flowhand.client.transport import httpx, sync_client
from flowhand.daemon.disk_gate import no_room
from flowhand.daemon.engine_diagnosis import check_engine
from flowhand.daemon.finding import Finding, Level
from flowhand.daemon.instance_diagnosis import check_instances
from flowhand.daemon.slot_diagnosis import check_slots
from flowhand.errors import FlowhandError
from flowhand.settings import Settings

NETWORK_FILE_SYSTEMS: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "glusterfs", "ceph"})
SKEW_S: Final = 2.0
OPEN_TO_OTHERS: Final = 0o077


Check = Callable[[Settings], Iterator[Finding]]


def diagnose(settings: Settings) -> Iterator[Finding]:
    """All findings, in the order in which a person would look."""
    for check in (check_home, check_disk, check_instances, check_engine, check_api):
        yield from check(settings)


def check_home(settings: Settings) -> Iterator[Finding]:
    """The home: there, writable, ours alone, on a local disk."""
    home = settings.home
    there = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        advice = "make it writable for this user, or set FLOWHAND_HOME to another folder"
        does = "written" if there == home else "made"
        yield Finding(Level.PROBLEM, "home", f"{home} cannot be {does}: {error.strerror}", advice)
        return
    if there != home:
        yield Finding(Level.OK, "home", f"{home} is not there yet; the first server or worker makes it")
        return
    if home.stat().st_mode & OPEN_TO_OTHERS:
        yield Finding(Level.WARNING, "home", f"{home} is open to other users of this machine", f"chmod 700 {home}")
    kind = file_system(home)
    if kind in NETWORK_FILE_SYSTEMS:
        advice = "locks and fsync are not reliable there; set FLOWHAND_HOME to a folder on a local disk"
        yield Finding(Level.PROBLEM, "home", f"{home} is on a network file system ({kind})", advice)
        return
    yield Finding(Level.OK, "home", f"{home} ({kind or 'local disk'})")


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Room for runs."""
    place = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    why = no_room(place)
    if why:
        yield Finding(Level.PROBLEM, "disk", why, "workers claim nothing until there is room")
    else:
        stat = os.statvfs(place)
        yield Finding(Level.OK, "disk", f"{stat.f_bavail * stat.f_frsize // 2**20} MiB free")


def check_api(settings: Settings) -> Iterator[Finding]:
    """The API: found, answering, knowing us, of one time with us."""
    try:
        address = configured_address(settings)
    except FlowhandError as error:
        yield Finding(Level.PROBLEM, "API", str(error), "correct the setting; see flowhand config view")
        return
    if address is None:
        published = published_server(settings.home)
        if published is None:
            yield Finding(Level.OK, "API", "none is configured and the embedded server is not running; whoever needs it starts it")
            return
        address = published_address(settings, published)
    yield from _ask(address)


def _ask(address: Address) -> Iterator[Finding]:
    began, wall = time.monotonic(), time.time()
    try:
        with sync_client(address, 5.0) as http:
            health, version = http.get("health"), http.get("admin/version")
            took = (time.monotonic() - began) / 2
            ours = health.status_code == version.status_code == 200 and _is_json(health)
            slots = list(check_slots(http)) if ours else []
    except httpx.HTTPError as error:
        advice = "start the server there, or correct FLOWHAND_API_URL"
        yield Finding(Level.PROBLEM, "API", f"{address.url} does not answer: {type(error).__name__}", advice)
        return
    if health.status_code != 200:
        advice = "FLOWHAND_API_URL has to end in /api"
        yield Finding(Level.PROBLEM, "API", f"{address.url} answers {health.status_code} to /health", advice)
    elif not _is_json(health):
        advice = "FLOWHAND_API_URL has to be that of the server itself and to end in /api"
        yield Finding(Level.PROBLEM, "API", f"{address.url} answers, but not as an API does", advice)
    elif version.status_code in (401, 403):
        yield Finding(
            Level.PROBLEM, "API", f"{address.url} does not take our credentials", "set FLOWHAND_API_KEY or FLOWHAND_API_AUTH_STRING"
        )
    else:
        yield Finding(Level.OK, "API", f"{address.url} answers in {took * 1000:.0f} ms")
    yield from _compare_clocks(health.headers.get("date"), wall + took)
    yield from slots


def _is_json(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type", "").startswith("application/json")


def _compare_clocks(date: str | None, ours: float) -> Iterator[Finding]:
    if not date:
        return
    skew = ours - parsedate_to_datetime(date).timestamp()
    if abs(skew) > SKEW_S:
        advice = "leases do not mind, but schedules and stamps do: run a time service on both machines"
        yield Finding(Level.WARNING, "clock", f"this machine is {skew:+.0f} s off the server", advice)
    else:
        yield Finding(Level.OK, "clock", "within two seconds of the server's")


def file_system(path: Path) -> str:
    """The type of the file system a path is on, as /proc/mounts calls it; empty where that cannot be read."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    mounts = [(fields[1].replace("\\040", " "), fields[2]) for fields in (line.split() for line in lines)]
    real = path.resolve()
    fitting = [(mount, kind) for mount, kind in mounts if real.is_relative_to(mount)]
    return max(fitting, key=lambda item: len(item[0]))[1] if fitting else ""
