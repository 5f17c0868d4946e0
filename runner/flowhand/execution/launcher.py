"""The Launcher port: start an attempt, follow its files, stop it, learn how it ended.

One launcher belongs to one daemon instance. What it started may outlive the daemon; `open` says what is still there. An attempt is named
by its key (`wire.job.key_of`). Files of an attempt are append-only and are read by offset, so that nothing is read twice or lost when the
daemon is killed in between.

    open ──► start ──► Progress* ──► Exited ──► forget
                └────► stop ─────────┘
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from flowhand.wire.job import Job


class Channel(StrEnum):
    """The files of an attempt. CHANNEL holds `wire.records`; the others hold what was written, byte by byte."""

    CHANNEL = "channel"
    STDOUT = "stdout"
    STDERR = "stderr"


class StopReason(StrEnum):
    """Why an attempt is stopped; its process is told before it is signalled."""

    CANCEL = "cancel"
    TIMEOUT = "timeout"
    DRAIN = "drain"
    FENCED = "fenced"
    LEASE = "lease"
    REVOKED = "revoked"
    LINGER = "linger"
    """It has said its last word and did not leave."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of each file so far."""

    channel: int = 0
    stdout: int = 0
    stderr: int = 0


EVERYTHING: Final = Sizes(1 << 62, 1 << 62, 1 << 62)
"""Sizes of files nobody can be asked about any more: read to the end of each."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How an attempt's main process ended, and what its tree left behind."""

    code: int | None
    """Exit code, or None when a signal ended it."""
    signal: int | None
    sizes: Sizes
    cpu_s: float
    """User and system seconds of the process and all descendants reaped."""
    peak_bytes: int
    wall_s: float
    oom: str | None = None
    """`certain` (the cgroup says so), `probable`, or None."""
    stopped: StopReason | None = None
    """The reason of a stop that was asked for or a deadline that passed before it ended; None when it left by itself."""
    killed: bool = False
    """Whether it was the stop's SIGKILL that ended it."""
    survivors: list[int] = field(default_factory=list[int])
    """Pids of the tree that could not be ended."""


@dataclass(frozen=True, slots=True)
class Held:
    """An attempt that the launcher holds: still alive, or ended and not yet forgotten."""

    key: str
    pid: int
    sizes: Sizes
    exit: Exit | None


@dataclass(frozen=True, slots=True)
class Progress:
    """The doorbell: files have grown. Several growths may come as one."""

    key: str
    sizes: Sizes


@dataclass(frozen=True, slots=True)
class Exited:
    """The end of an attempt; all it wrote is in its files."""

    key: str
    exit: Exit


@dataclass(frozen=True, slots=True)
class Vanished:
    """Attempts whose keeper is gone without a word (killed): their processes were ended, their files are as they are."""

    keys: list[str]
    why: str


Event = Progress | Exited | Vanished


@dataclass(frozen=True, slots=True)
class Started:
    """A process is there. `spawned` says why it was not forked from the warm one, None when it was."""

    key: str
    pid: int
    spawned: str | None


class Launcher(Protocol):
    """What a kind of execution offers. All methods may be cancelled; `start`, `stop`, `forget` are idempotent by key."""

    async def open(self) -> list[Held]:
        """Connects, brings up what is needed, and says what is still held from before. KeeperError when that is impossible."""
        ...

    async def start(self, job: Job, kill_at: float | None = None) -> Started:
        """Starts the attempt; a second call for the same key answers the first one's result. `kill_at` is its first deadline, as `extend`
        sets them. LaunchError when it cannot be started; StartUnsure when what starts it died meanwhile, and `events` will tell the end."""
        ...

    async def extend(self, kill_at: Mapping[str, float | None]) -> None:
        """Sets, per key, the CLOCK_BOOTTIME second after which the attempt is killed even if nobody says so again; None: never."""
        ...

    async def stop(self, key: str, reason: StopReason, grace_s: float) -> None:
        """Asks the attempt to end: SIGTERM to its group, after `grace_s` seconds SIGKILL to all of its tree. Returns at once; `Exited`
        tells the end. A second call may shorten the grace; the first reason stays, but CANCEL takes the place of DRAIN and REVOKED.
        Unknown or ended keys are ignored, and REVOKED once the attempt has begun."""
        ...

    async def read(self, key: str, channel: Channel, offset: int, limit: int) -> bytes:
        """At most `limit` bytes of a file from `offset`; empty at its end or when there is no such file."""
        ...

    def unbegun(self, key: str) -> bool:
        """Whether an attempt that vanished had surely not come to the flow's code. False when that is not known."""
        ...

    async def forget(self, key: str) -> None:
        """Deletes the files of an ended attempt. Unknown keys are ignored."""
        ...

    def events(self) -> AsyncIterator[Event]:
        """The news, in order per key, until the launcher is closed. One consumer."""
        ...

    async def close(self, *, dismiss: bool) -> None:
        """Lets go. With `dismiss` also what runs beside us leaves, once its last attempt has ended."""
        ...
