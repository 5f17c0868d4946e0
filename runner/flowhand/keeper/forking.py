"""The fork, and what a newborn process does before it is a run: it lets go of everything that is the keeper's."""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys
import types
from dataclasses import dataclass
from typing import Any, Final

from flowhand.child.place import lay_environment
from flowhand.keeper import channel, fork_hooks, linux, mark

DESCRIPTORS: Final = 9
"""What one living attempt takes of the keeper's at most: its channel, two pipes, three files, and three more while it is forked."""
CHANNEL: Final = 3
"""The channel's descriptor in the child."""

_HANDLED: Final = (signal.SIGTERM, signal.SIGCHLD)
"""Signals for which the keeper has handlers; they wait until the newborn has dropped them."""
_FIRST_NOT_OURS: Final = CHANNEL + 1
_EVERY_FD: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every fork needs, made once."""

    keeper_pid: int
    place: mark.Place
    open_files: tuple[int, int]
    """RLIMIT_NOFILE as the keeper found it."""

    @property
    def descriptors(self) -> int:
        """How many the keeper itself may have: the hard limit."""
        return self.open_files[1]


@dataclass(frozen=True, slots=True)
class Birth:
    """In the keeper: a child, and the keeper's ends of its channel, stdout and stderr."""

    pid: int
    ends: tuple[socket.socket, int, int]


class Newborn(BaseException):
    """In the child: unwinds the keeper's stack, so that nothing of it stands below the run. `job` None: it is told later."""

    def __init__(
        self,
        surroundings: Surroundings,
        job: dict[str, Any] | None,
        argv: list[str] | None,
        ends: tuple[socket.socket, int, int],
        keepers_end: socket.socket,
    ) -> None:
        super().__init__()
        self.surroundings = surroundings
        self.job = job
        self.argv = argv
        self.ends = ends
        self.keepers_end = keepers_end
        """Held, since its finalizer would warn of a socket left open, in 70 copied pages. Its descriptor is closed with all others."""

    def settle(self) -> None:
        """Own session, own descriptors, default signals, tied to the keeper's life; its own to look at."""
        fork_hooks.hand_over()
        around, (ours, stdout, stderr) = self.surroundings, self.ends
        os.setsid()
        linux.die_with_parent(signal.SIGKILL)
        if os.getppid() != around.keeper_pid:
            os._exit(1)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        os.dup2(ours.fileno(), CHANNEL)
        os.closerange(_FIRST_NOT_OURS, _EVERY_FD)
        _default_signals()
        resource.setrlimit(resource.RLIMIT_NOFILE, around.open_files)
        linux.weigh_for_memory(linux.RUN_WEIGHT)
        if self.argv is None:
            _look_fresh()

    def belong_to(self, job: dict[str, Any]) -> None:
        """Marked and named as the job's; for another program also with its environment."""
        self.surroundings.place.write(job["mark"])
        if self.argv is None:
            linux.set_name(job["name"])
        else:
            lay_environment(job["env"])


def fork(surroundings: Surroundings, job: dict[str, Any] | None = None, argv: list[str] | None = None) -> Birth:
    """Forks a child, for a job or for whichever comes. In the child it raises Newborn.

    OSError when a limit (processes, descriptors, memory) is reached.
    """
    ours: list[int] = []
    theirs: list[int] = []
    sock = peer = None
    try:
        for _ in range(2):
            reader, writer = os.pipe()
            ours.append(reader)
            theirs.append(writer)
            os.set_blocking(reader, False)
        sock, peer = channel.pair()
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        pid = os.fork()
    except OSError:
        for fd in ours + theirs:
            os.close(fd)
        for end in (sock, peer):
            if end is not None:
                end.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        raise
    if pid == 0:
        raise Newborn(surroundings, job, argv, (peer, theirs[0], theirs[1]), sock)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
    os.close(theirs[0])
    os.close(theirs[1])
    peer.close()
    return Birth(pid, (sock, ours[0], ours[1]))


def _default_signals() -> None:
    """As a fresh interpreter has them, SIGPIPE and SIGXFSZ ignored included."""
    signal.set_wakeup_fd(-1)
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _look_fresh() -> None:
    """What the run could see of the keeper looks like a fresh interpreter's, and the collector leaves the shared pages alone."""
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.argv = ["flowhand"]
    gc.freeze()
    gc.enable()
