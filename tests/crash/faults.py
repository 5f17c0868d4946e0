"""What is done at a held point, and how it is mended. Each lets the held process go on at its own moment."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from support.tcp_proxy import Mode
from support.worker import wait_for

from .rig import LEASE_S, Rig

MEMORY_GROUPS: Final = Path("/sys/fs/cgroup/memory")
HOG_BYTES: Final = 160 << 20


def kill_daemon(rig: Rig) -> None:
    """SIGKILL; another daemon comes, within the lease or after it."""
    rig.daemon().process.kill()
    rig.daemon().process.wait()
    rig.release()
    rig.sleep(0.0, LEASE_S + 2.0)
    rig.start_worker()


def kill_keeper(rig: Rig) -> None:
    """SIGKILL; its children die with it."""
    rig.daemon().keeper().kill()
    rig.release()


def kill_child(rig: Rig) -> None:
    """SIGKILL for the run's process."""
    rig.child().kill()
    rig.release()


def kill_server(rig: Rig) -> None:
    """SIGKILL; another server on the same database and port comes, within the lease or after it."""
    rig.kill_server()
    rig.release()
    rig.sleep(0.0, LEASE_S + 2.0)
    rig.restart_server()


def stop_daemon(rig: Rig) -> None:
    """SIGSTOP for the daemon past the lease, then SIGCONT."""
    _stopped(rig, [psutil.Process(rig.daemon().process.pid)])


def stop_keeper(rig: Rig) -> None:
    """SIGSTOP for the keeper past the lease, then SIGCONT."""
    _stopped(rig, [rig.daemon().keeper()])


def stop_server(rig: Rig) -> None:
    """SIGSTOP for the server past the lease, then SIGCONT."""
    _stopped(rig, [psutil.Process(rig.server.process.pid)])


def stop_host(rig: Rig) -> None:
    """SIGSTOP for daemon, keeper and children past the lease, then SIGCONT."""
    _stopped(rig, [psutil.Process(rig.daemon().process.pid), *rig.daemon().processes()])


def _stopped(rig: Rig, processes: list[psutil.Process]) -> None:
    for process in processes:
        process.send_signal(signal.SIGSTOP)
        rig.stopped.append(process)
    rig.release()
    rig.sleep(LEASE_S + 1.0, LEASE_S + 2.5)
    rig.random.shuffle(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)


def _api(mode: Mode) -> Callable[[Rig], None]:
    def broken(rig: Rig) -> None:
        rig.proxy.set(mode)
        rig.release()
        rig.sleep(0.5, LEASE_S + 3.0)
        rig.proxy.set("pass")

    return broken


def fill_disk(rig: Rig) -> None:
    """Not a byte is left on the disk of the worker's home for a while; but what was set aside before is there again."""
    wait_for(lambda: all(path.stat().st_size for path in rig.home.glob("instances/*/*.reserve")), 5.0)
    filler = rig.home.parent / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    rig.release()
    rig.sleep(1.0, 3.0)
    filler.unlink()


def _clock(direction: int) -> Callable[[Rig], None]:
    def set_wrong(rig: Rig) -> None:
        clocks = rig.random.choice((rig.clocks[:1], rig.clocks[1:], rig.clocks))
        off_s = direction * rig.random.choice((20.0, 600.0, 3600.0))
        for clock in clocks:
            clock.set(off_s)
        rig.release()
        rig.sleep(0.0, LEASE_S + 2.0)
        if direction < 0 or rig.random.random() < 0.5:  # a run whose time is an hour away is not late: backward is always put right
            for clock in clocks:
                clock.set(0.0)

    return set_wrong


def jolt_clock(rig: Rig) -> None:
    """The server's clock is set and at once set right again, some times within the lease or past it: between two looks of the reaper."""
    clock = rig.clocks[0]
    rig.release()
    for _ in range(rig.random.randint(2, 6)):
        clock.set(rig.random.choice((-3600.0, -600.0, -20.0, 20.0, 600.0)))
        rig.sleep(0.001, rig.random.choice((0.01, 0.2, 0.8)))
        clock.set(0.0)
        rig.sleep(0.0, LEASE_S / 4)


def exhaust_memory(rig: Rig) -> None:
    """The flow wants more memory than its group has: the kernel kills it."""
    rig.release()


def memory_group(rig: Rig) -> str:
    """A memory cgroup with a low limit; its folder."""
    group = MEMORY_GROUPS / f"{rig.base.name}-{rig.seed}"
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text(str(HOG_BYTES))
    rig.closing.append(group.rmdir)
    return str(group)


@dataclass(frozen=True, slots=True)
class Fault:
    """One column of the matrix."""

    name: str
    do: Callable[[Rig], None]
    dooms: bool = False
    """The run's own process may be gone with it: Crashed is a right end."""
    loses_lines: bool = False
    """What was written last may be gone."""
    small_disk: bool = False
    hogs: bool = False
    sets_clocks: bool = False
    needs_child: bool = False
    cold_keeper: bool = False
    """The next run needs another keeper, whose rehearsal comes by the child's points as well."""


FAULTS: Final = {
    fault.name: fault
    for fault in (
        Fault("kill daemon", kill_daemon),
        Fault("kill keeper", kill_keeper, dooms=True, loses_lines=True, cold_keeper=True),
        Fault("kill child", kill_child, dooms=True, needs_child=True),
        Fault("kill server", kill_server),
        Fault("stop daemon", stop_daemon),
        Fault("stop keeper", stop_keeper),
        Fault("stop server", stop_server),
        Fault("stop host", stop_host),
        Fault("API refused", _api("refused")),
        Fault("API half-open", _api("half-open")),
        Fault("API 500", _api("500")),
        Fault("disk full", fill_disk, loses_lines=True, small_disk=True),
        Fault("clock forward", _clock(1), sets_clocks=True),
        Fault("clock back", _clock(-1), sets_clocks=True),
        Fault("clock there and back", jolt_clock, sets_clocks=True),
        Fault("out of memory", exhaust_memory, dooms=True, hogs=True, needs_child=True),
    )
}
