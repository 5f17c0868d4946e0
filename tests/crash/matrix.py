"""The cells: every point, every fault, both policies, so far as they make sense together."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.worker import wait_for

from .checker import check
from .faults import FAULTS, Fault, memory_group
from .rig import Rig, rigged

POINTS: Final = ("before-claim", "claimed", "preparing", "starting", "running", "ending", "reporting", "draining")
WITH_CHILD: Final = ("starting", "running", "ending", "draining")
POLICIES: Final = ("crash", "retry")
SETTLED_WITHIN_S: Final = 60.0
_TAIL: Final = 6_000
"""Characters of a daemon's log that are kept of a play that failed."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One square of the matrix."""

    point: str
    fault: str
    policy: str

    def __str__(self) -> str:
        return f"{self.point} × {self.fault} × {self.policy}"


def cells() -> Iterator[Cell]:
    """All that make sense: nothing can be done to a child that is not there, and one that is starved is starved while it runs."""
    for point in POINTS:
        for fault in FAULTS.values():
            if fault.needs_child and point not in WITH_CHILD:
                continue
            if fault.hogs and point != "running":
                continue
            for policy in POLICIES:
                yield Cell(point, fault.name, policy)


def play(cell: Cell, seeds: Sequence[int]) -> Generator[list[str]]:
    """Plays a cell once for each seed, one after the other on one server and in one home; what did not hold. The first that fails is the
    last, since what it left would be held against the next."""
    fault = FAULTS[cell.fault]
    base = Path(tempfile.mkdtemp(prefix="flowhand-crash-"))
    with rigged(base, cell.policy, small_disk=fault.small_disk, sets_clocks=fault.sets_clocks) as rig:
        for seed in seeds:
            problems = _said_by(lambda seed=seed: _play(rig, cell, fault, seed, last=seed == seeds[-1]))
            yield [*problems, f"the daemon said:\n{rig.said[-_TAIL:]}"] if problems else []
            if problems:
                return


def _said_by(playing: Callable[[], list[str]]) -> list[str]:
    try:
        return playing()
    except Exception as error:  # noqa: BLE001 - whatever it is, a cell that cannot be played to its end has failed
        return [f"{type(error).__name__}: {str(error)[:300]}", str(error)[-3700:]]


def _play(rig: Rig, cell: Cell, fault: Fault, seed: int, *, last: bool) -> list[str]:
    rig.begin(seed)
    rig.arm(cell.point)
    if cell.point == "before-claim":
        rig.wait_held(cell.point)
    rig.ask(memory_group(rig) if fault.hogs else "")
    if cell.point == "draining":
        wait_for(lambda: rig.began > 0, 45, lambda: rig.daemon().log)
        rig.tell_to_leave()
    rig.wait_held(cell.point)
    fault.do(rig)
    _settle(rig)
    _forgotten(rig)
    leaves = last or fault.cold_keeper
    return [*_drained(rig), *(_leave(rig) if leaves else []), *check(rig, fault, left=leaves)]


def _settle(rig: Rig) -> None:
    """Waits for the run's end; a daemon that has left in the meantime is followed by another, as a service manager does it."""

    def settled() -> bool:
        if rig.settled():
            return True
        status = rig.daemon().process.poll()
        if status is not None:
            assert status == 0, f"the daemon ended with {status}:\n{rig.daemon().log}"
            rig.start_worker()
        return False

    wait_for(settled, SETTLED_WITHIN_S, lambda: f"not settled; {rig.api.states(rig.run)}\n{rig.daemon().log[-3000:]}", step_s=0.1)


def _forgotten(rig: Rig) -> None:
    """Waits until the daemon has nothing more to say of any run."""
    kept = rig.home / "instances"
    wait_for(lambda: not any(kept.glob("*/runs/*")), SETTLED_WITHIN_S, lambda: f"{sorted(kept.glob('*/runs/*'))} are kept")


def _drained(rig: Rig) -> list[str]:
    """Waits for the daemon that was told to leave, if it was not killed on the way."""
    asked = rig.told_to_leave == rig.daemon().process.pid
    return [f"the daemon left with {status}"] if asked and (status := rig.daemon().process.wait(40)) else []


def _leave(rig: Rig) -> list[str]:
    """The last daemon drains and leaves, and its keeper with it. A fresh one clears up what the last left, as after each stop."""
    if rig.daemon().process.poll() is not None:
        rig.start_worker()
    rig.claims()
    status = rig.daemon().end(signal.SIGTERM, 40)
    wait_for(lambda: not rig.daemon().processes(), 15, lambda: f"left: {rig.daemon().processes()}")
    return [] if status == 0 else [f"the daemon left with {status}"]
