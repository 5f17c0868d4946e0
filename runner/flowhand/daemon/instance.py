"""An instance: one daemon's place under the home, held by a lock.

An instance is the home, a kind, a pool and a name (or the set of deployments that a script serves). Its folder holds the lock, the stamp,
the journal and the keeper's files. A second daemon of the same instance takes the next number, so that two workers of one name can run
side by side and each finds its own runs again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from flowhand.errors import ConfigurationError, InstanceInUse

MOST_INSTANCES: Final = 256


@dataclass(frozen=True, slots=True)
class Stamp:
    """Whose records these are. A daemon replays only what fits: the same server, and for processes the same boot and namespace."""

    api_url: str
    server_id: str
    session: str
    secret: str
    machine_id: str
    boot_id: str
    pid_ns: str
    pid: int
    pid_start: float
    cwd: str = ""


class Instance:
    """The folder and its lock. Use `acquire`; `close` lets the lock go."""

    def __init__(self, directory: Path, lock_fd: int) -> None:
        self.directory = directory
        self._lock_fd = lock_fd

    @property
    def number(self) -> int:
        """Which daemon of the same identity it is; 0 for the first."""
        return int(self.directory.suffix.removeprefix(".") or 0)

    @property
    def journal_path(self) -> Path:
        return self.directory / "journal"

    @property
    def lock_fd(self) -> int:
        """The lock's descriptor, to be kept over a re-exec."""
        return self._lock_fd

    def stamp(self) -> Stamp | None:
        """What the last daemon here wrote; None when there is none that can be read."""
        try:
            data = json.loads((self.directory / "stamp.json").read_text(encoding="utf-8"))
            return Stamp(**data)
        except (OSError, ValueError, TypeError):
            return None

    def write_stamp(self, stamp: Stamp) -> None:
        """Replaces the stamp, whole or not at all; readable by the owner alone."""
        write_private(self.directory / "stamp.json", json.dumps(asdict(stamp)))

    def close(self) -> None:
        """Lets the lock go. Idempotent."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1


def write_private(path: Path, text: str) -> None:
    """Writes a 0600 file by rename, so that no reader sees half of it."""
    fresh = path.with_name(path.name + ".new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:  # noqa: PTH123 - by descriptor, so that the mode holds from the start
        file.write(text)
    fresh.rename(path)


def slug(text: str) -> str:
    """Letters, digits and dashes of a name, at most 32, for a folder's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32] or "x"


def acquire(
    home: Path, kind: str, identity: str, name: str, *, exclusive: bool = False, inherited: tuple[int, Path] | None = None
) -> Instance:
    """The first free instance of this identity, made when there is none.

    `identity` is all that makes it the same one (API, pool and name; or API and deployments). With `exclusive` a second daemon is refused
    (InstanceInUse). `inherited` is the lock of a daemon that executed itself anew: its descriptor and folder. ConfigurationError when the
    home cannot be written.
    """
    if inherited is not None:
        os.set_inheritable(inherited[0], False)
        return Instance(inherited[1], inherited[0])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:10]
    base = home / "instances"
    for number in range(MOST_INSTANCES):
        directory = base / (f"{kind}-{slug(name)}-{digest}" + (f".{number}" if number else ""))
        _make(directory)
        fd = _try_lock(directory / "lock")
        if fd is not None:
            return Instance(directory, fd)
        if exclusive:
            raise InstanceInUse(
                f"another {kind} named {name!r} is running in {home} ({holder(directory)}); stop it or choose another --name"
            )
    raise InstanceInUse(f"{MOST_INSTANCES} daemons of {kind} {name!r} are running in {home} already")


def holder(directory: Path) -> str:
    """Who holds the lock, as the lock's text says."""
    try:
        return (directory / "lock").read_text(encoding="utf-8").strip() or "unknown"
    except OSError:
        return "unknown"


def identity_of_host() -> dict[str, Any]:
    """Machine, boot, namespace and process: what a stamp says of who wrote it."""
    return {
        "machine_id": _read("/etc/machine-id"),
        "boot_id": _read("/proc/sys/kernel/random/boot_id"),
        "pid_ns": _link("/proc/self/ns/pid"),
        "pid": os.getpid(),
        "pid_start": psutil.Process().create_time(),
    }


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (directory / "runs").mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {directory}: {error.strerror}; set FLOWHAND_HOME to a folder on a local disk that you can write"
        ) from error


def _try_lock(path: Path) -> int | None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}; set FLOWHAND_HOME to a folder that you can write") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    os.ftruncate(fd, 0)
    os.write(fd, f"pid {os.getpid()}\n".encode())
    return fd


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
