"""The folder of one daemon instance, as far as the keeper touches it: its socket, its announcement, the folder of runs.

A second keeper of one instance (a newer one beside an older) has its number as a suffix: `keeper.sock.2`, `keeper.json.2`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from pathlib import Path
from typing import Any, Final

from flowhand.keeper import linux, permits, tree
from flowhand.keeper.protocol import Refused

RUNS: Final = "runs"


class Instance:
    """Held open by descriptors, so that the length of its path does not matter. `fingerprint` says which image this keeper is."""

    def __init__(self, directory: Path, number: int, fingerprint: str) -> None:
        self.directory = directory.resolve()  # children find their files by it, whatever becomes of links on the way
        self.suffix = f".{number}" if number > 1 else ""
        self._fingerprint = fingerprint
        self.folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with contextlib.suppress(FileExistsError):
            os.mkdir(RUNS, 0o700, dir_fd=self.folder)
        self.runs = os.open(RUNS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.folder)
        self._alone = self._lock()

    def listen(self) -> socket.socket:
        """The socket, readable and writable by its owner alone."""
        name = f"keeper.sock{self.suffix}"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)
        self._remove(name)
        before = os.umask(0o077)
        try:
            listener.bind(f"/proc/self/fd/{self.folder}/{name}")
        finally:
            os.umask(before)
        listener.listen(128)
        return listener

    def announce(self, protocol: int, version: str) -> None:
        """Says in keeper.json who listens here."""
        pid = os.getpid()
        myself = tree.look(pid)
        about: dict[str, Any] = {
            "pid": pid,
            "pid_start": myself.start if myself else 0,
            "protocol": protocol,
            "version": version,
            "boot_id": linux.boot_id(),
            "pid_ns": linux.pid_namespace(),
            "fingerprint": self._fingerprint,
        }
        name = f"keeper.json{self.suffix}"
        fd = os.open(name + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600, dir_fd=self.folder)
        with os.fdopen(fd, "w") as file:
            json.dump(about, file)
        os.rename(name + ".new", name, src_dir_fd=self.folder, dst_dir_fd=self.folder)

    def withdraw(self) -> None:
        """Takes socket and announcement away."""
        for name in ("keeper.json", "keeper.sock", "keeper.reserve", "keeper.lock"):
            self._remove(name + self.suffix)

    def holder(self) -> int | None:
        """The pid that holds the instance's lock; None when nobody does or it cannot be told. proc_locks(5)."""
        try:
            lock = os.stat("lock", dir_fd=self.folder)
            lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        except OSError:
            return None
        wanted = f"{os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}:{lock.st_ino}"
        for line in lines:
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5] == wanted:
                return int(fields[4])
        return None

    def file_job(self, key: str, job: dict[str, Any]) -> str:
        """Files a job for a program that cannot inherit it; the file's path."""
        name = f"{key}.job"
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=self.runs)
        with os.fdopen(fd, "w") as file:
            json.dump(job, file)
        return str(self.directory / RUNS / name)

    def give_permit(self, key: str) -> str | None:
        """The path of an attempt's permit to begin (`keeper.permits`); None when it can have none."""
        given = permits.give(f"keeper.json{self.suffix}", self.folder, self.runs, key)
        return str(self.directory / RUNS / (key + permits.SUFFIX)) if given else None

    def _lock(self) -> int:
        fd = os.open(f"keeper.lock{self.suffix}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=self.folder)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another keeper serves {self.directory} already") from None
        return fd

    def _remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.folder)
