"""Finding the keepers of an instance that live, and starting one."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import anyio

from flowhand.errors import KeeperError
from flowhand.keeper import linux, mark, tree
from flowhand.settings import Settings, env_name

READY_S: Final = 30.0
"""Seconds a keeper may take to import, warm up and listen."""
_LOG: Final = "keeper.log"
_SERVICE: Final = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})
"""What a service manager says to the daemon, and to it alone (sd_notify(3))."""
_PASSING: Final = frozenset(
    {"_", "SHLVL", "PWD", "OLDPWD", "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "TERM", "COLUMNS", "LINES"}
)
"""Variables that differ from start to start and change nothing for a run."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A keeper.json of this boot and pid namespace whose process lives."""

    number: int
    pid: int
    protocol: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Image:
    """What a keeper is started as. Two with one fingerprint are as good as each other; another code or environment asks for a new one."""

    python: str
    version: str
    environ: dict[str, str]
    fingerprint: str


def image(python: str, environ: Mapping[str, str]) -> Image:
    """The image for runs of this installation under this environment, the API's credentials and the service manager's words taken out."""
    kept = {name: value for name, value in environ.items() if name not in _SERVICE and name not in _credentials() and name != mark.NAME}
    version = metadata.version("flowhand")
    facts = [version, python, sys.version, sorted((name, value) for name, value in kept.items() if name not in _PASSING)]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return Image(python, version, {**kept, mark.NAME: mark.PLACEHOLDER}, digest)


def announcements(directory: Path) -> list[Announcement]:
    """The living keepers of an instance, the newest last."""
    found: list[Announcement] = []
    for path in directory.glob("keeper.json*"):
        number = _number_of(path.name)
        said = _read(path) if number else None
        if number and said is not None and _lives(said):
            found.append(Announcement(number, said["pid"], said["protocol"], said["fingerprint"]))
    return sorted(found, key=lambda one: one.number)


async def start(directory: Path, number: int, image: Image) -> subprocess.Popen[bytes]:
    """Starts keeper `number`, detached; returns when it listens. KeeperError with the end of its log when it does not."""
    command = [image.python, "-P", "-m", "flowhand.keeper", "--directory", str(directory), "--number", str(number)]
    command += ["--version", image.version, "--fingerprint", image.fingerprint]
    try:
        log = os.open(directory / _LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KeeperError(f"{directory / _LOG} cannot be written: {error.strerror}") from error
    try:
        begin = os.fstat(log).st_size
        process = subprocess.Popen(  # noqa: ASYNC220 - a vfork and an exec: a millisecond
            command, env=image.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    except OSError as error:
        raise KeeperError(f"cannot execute {image.python}: {error.strerror}") from error
    finally:
        os.close(log)
    assert process.stdout is not None
    with process.stdout as ready, anyio.move_on_after(READY_S):
        await anyio.wait_readable(ready)
        if os.read(ready.fileno(), 16):
            return process
    process.kill()
    process.wait()
    raise KeeperError(f"the keeper did not start: {_tail(directory / _LOG, begin)}")


def _credentials() -> set[str]:
    secret = [spec for spec in fields(Settings) if spec.metadata["secret"]]
    return {env_name(spec.name) for spec in secret} | {name for spec in secret for name in spec.metadata["also"]}


def _number_of(name: str) -> int | None:
    suffix = name.removeprefix("keeper.json")
    if not suffix:
        return 1
    return int(suffix[1:]) if suffix[1:].isdigit() else None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None


def _lives(said: dict[str, Any]) -> bool:
    if said.get("boot_id") != linux.boot_id() or said.get("pid_ns") != linux.pid_namespace():
        return False
    process = tree.look(said["pid"])
    return process is not None and process.start == said["pid_start"] and not process.dead


def _tail(path: Path, begin: int) -> str:
    with path.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"it said nothing for {READY_S:g} s"
