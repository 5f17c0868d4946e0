"""What Linux offers and Python's standard library does not: prctl(2). And the identities that only mean something on one boot."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_PR_SET_CHILD_SUBREAPER: Final = 36

RUN_WEIGHT: Final = 500
"""What a run weighs more than those that look after it when the host's memory is out: as if it had half of all memory besides its own."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, argument: int | bytes) -> None:
    if _libc.prctl(option, argument, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl({option}): {os.strerror(error)}")


def become_subreaper() -> None:
    """Orphans among our descendants become our children."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(number: int) -> None:
    """This process gets the signal when its parent ends. The caller checks afterwards that the parent is still there."""
    _prctl(_PR_SET_PDEATHSIG, number)


def set_name(name: str) -> None:
    """What `ps` and `top` call this process; cut to 15 bytes by the kernel."""
    _prctl(_PR_SET_NAME, name.encode())


def weigh_for_memory(weight: int) -> None:
    """How soon the kernel kills this process when memory is out, from -1000 (never) to 1000 (first): proc_pid_oom_score_adj(5). Its own
    wish where it is heavier already. Children inherit it."""
    with contextlib.suppress(OSError):  # /proc is not to be written in some containers; the kernel chooses by size then
        descriptor = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        try:
            if int(os.read(descriptor, 8)) < weight:
                os.pwrite(descriptor, b"%d" % weight, 0)
        finally:
            os.close(descriptor)


def weigh_as_parent() -> None:
    """Takes a run's weight off again."""
    with contextlib.suppress(OSError):  # as above
        Path("/proc/self/oom_score_adj").write_bytes(Path(f"/proc/{os.getppid()}/oom_score_adj").read_bytes())


def boot_id() -> str:
    """Another one after every boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def pid_namespace(pid: int | str = "self") -> str:
    """Within which a pid means something. OSError when the process is gone or not ours to look at."""
    return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115 - `pid:[4026531836]` is no path
