"""One attempt in the keeper's hands: its stop, its deadlines, its end.

    running ──stop──► stopping ──grace──► killed
       └──────────┬──────┴──────────────────┘
            main reaped ──► lingering ──► (leftovers killed, again and again) ──► ended

The exit of the main process ends an attempt, never the end of its output, which a process it left behind may hold open. What it left
behind gets a moment to go by itself and is then killed, so that nothing of one attempt is there when the next begins.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

from flowhand.child.nudges import NUDGE, PAUSES_S
from flowhand.keeper import exits
from flowhand.keeper.cgroups import Cgroups
from flowhand.keeper.family import Family, signal_group
from flowhand.keeper.loop import Loop, Timer, now
from flowhand.keeper.outputs import Outputs
from flowhand.wire.job import YIELDS_TO_CANCEL

LINGER: Final = 0.5
"""Seconds that buffered output and leftover processes have after the main process."""
TIMEOUT_MARGIN: Final = 1.0
"""Seconds beyond a flow's time-out, in which the child ends it itself."""
_FIRST_ROUND: Final = 0.01
_ROUNDS_UNTIL: Final = 3.0
"""Seconds for which leftovers are killed again; what lives then is a survivor."""


class House(Protocol):
    """What an attempt needs of the keeper."""

    loop: Loop
    family: Family[Attempt]
    cgroups: Cgroups

    def grown(self, attempt: Attempt) -> None: ...
    def ended(self, attempt: Attempt, told: exits.ExitMessage) -> None: ...
    def withdraw_permit(self, attempt: Attempt) -> bool: ...
    def wants_pydantic(self) -> None: ...
    def killed_for_memory(self, kills_before: int) -> bool: ...


class Attempt:
    """From the fork to the exit message. `exit` is None until it has ended."""

    def __init__(
        self, house: House, key: str, mark: str, pid: int, *, spawned: str | None, grace_s: float, baseline: int, kills: int
    ) -> None:
        self.key = key
        self.mark = mark
        self.pid = pid
        self.spawned = spawned
        self.grace_s = grace_s
        self.followed = True
        self.killed = False
        self.exit: exits.ExitMessage | None = None
        self.permitted = False
        """It has a permit to begin, or has begun with it."""
        self.outputs: Outputs
        self.status: int | None = None
        self._house = house
        self._baseline = baseline
        self._kills_before = kills
        self._started = now()
        self._cpu_s = 0.0
        self._peak = 0
        self._wall_s = 0.0
        self._oom: str | None = None
        self._stopped: str | None = None
        self._kill_at: float | None = None
        self._timers: dict[str, tuple[float, Timer]] = {}
        self._began = False
        self._timed = False
        self._linger_until = 0.0
        self._round = _FIRST_ROUND

    @property
    def alive(self) -> bool:
        """Whether the main process has not been reaped."""
        return self.status is None

    # --- being stopped

    def stop(self, reason: str, grace_s: float) -> None:
        """Says why, asks, and kills after the grace. A second call may shorten the grace; the first reason stays, unless that yields to
        a cancel. What has begun is not revoked: who asked may not have heard of it yet."""
        if not self.alive or (reason == "revoked" and self._has_begun()):
            return
        asked = self._stopped is not None
        if not asked or (reason == "cancel" and self._stopped in YIELDS_TO_CANCEL):
            self._stopped = reason
            self.outputs.tell({"k": "stop", "why": reason})
            if grace_s > 0 and not asked:
                signal_group(self.pid, signal.SIGTERM)
                self._nudge_after(iter(PAUSES_S))
                signal_group(self.pid, signal.SIGCONT)  # a stopped group takes no signal but this and SIGKILL
        if grace_s > 0:
            self._sooner("kill", now() + grace_s, self._kill)
        else:
            self._kill()

    def _nudge_after(self, pauses: Iterator[float]) -> None:
        """Lest SIGTERM came right before its main thread went to sleep."""

        def nudge() -> None:
            with contextlib.suppress(PermissionError):  # its main process may have become another user's
                os.kill(self.pid, NUDGE)  # not reaped: that would have cancelled the timer
            self._nudge_after(pauses)

        pause = next(pauses, None)
        if pause is not None:
            self._sooner("nudge", now() + pause, nudge)

    def extend(self, kill_at: float | None) -> None:
        """The CLOCK_BOOTTIME second at which the lease is over; None: it has no end."""
        self._kill_at = kill_at
        if kill_at is not None and self.alive:
            self._sooner("lease", kill_at, self._lease_is_due)

    def heard(self, frame: dict[str, Any]) -> None:
        """A frame of the child that the keeper acts upon."""
        kind = frame.get("k")
        if kind in ("secret", "late_hooks"):
            self.outputs.tell({"k": "ack"})
        elif kind == "running":
            self._began = True
            self._run_began(frame)
        elif kind == "unpermitted":
            self.permitted = False

    def _has_begun(self) -> bool:
        """If it has not, it does not any more, where it needs a permit for that."""
        self.outputs.hear()
        if not self._began and self._house.withdraw_permit(self):
            self.permitted = False
        self.outputs.hear()  # it may have given its permit up meanwhile
        return self._began or self.permitted

    def _run_began(self, frame: dict[str, Any]) -> None:
        if not self._timed and self.alive:
            if self.spawned is None and "pydantic" in (frame.get("wants") or ()):
                self._house.wants_pydantic()
            seconds = frame.get("timeout_s")
            if isinstance(seconds, (int, float)) and seconds > 0:
                self._timed = True
                self._sooner("timeout", now() + seconds + TIMEOUT_MARGIN, lambda: self.stop("timeout", 0))

    def _kill(self) -> None:
        self.killed = True
        self._kill_all()

    def _kill_all(self) -> None:
        self._house.cgroups.kill(self.key)
        self._house.family.kill(self)

    def _lease_is_due(self) -> None:
        if self._kill_at is None:
            return
        if self._kill_at <= now():
            self.stop("lease", 0)
        else:
            self._sooner("lease", self._kill_at, self._lease_is_due)

    def _sooner(self, name: str, when: float, call: Callable[[], None]) -> None:
        """Sets a timer, unless it is set for an earlier time already. Leases only ever move away, so few timers are made."""

        def ring() -> None:
            del self._timers[name]
            call()

        old = self._timers.get(name)
        if old is not None:
            if old[0] <= when:
                return
            old[1].cancel()
        self._timers[name] = when, self._house.loop.at(when, ring)

    # --- its end

    def reaped(self, status: int, usage: resource.struct_rusage) -> None:
        """The main process has ended."""
        self.status = status
        self._wall_s = now() - self._started
        self._peak = self._house.cgroups.peak(self.key) or max(0, usage.ru_maxrss * 1024 - self._baseline)
        self._oom = self._out_of_memory(status)
        self.spent(usage)
        self._linger_until = now() + LINGER
        if "kill" in self._timers and not self.killed:
            self._linger_until = max(self._linger_until, self._timers["kill"][0])
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.outputs.drain()
        self.settle()

    def _out_of_memory(self, status: int) -> str | None:
        if self._house.cgroups.out_of_memory(self.key):
            return "certain"
        unexplained = exits.was_killed(status) and not self.killed
        return "probable" if unexplained and self._house.killed_for_memory(self._kills_before) else None

    def spent(self, usage: resource.struct_rusage) -> None:
        """CPU seconds of one of its processes, just reaped."""
        self._cpu_s += usage.ru_utime + usage.ru_stime

    def settle(self) -> None:
        """Ends the attempt once nothing is left of it or its time is over. To be called whenever something of it has gone."""
        if self.alive or self.exit is not None:
            return
        moment = now()
        left = self._house.family.left(self)
        if left and (moment >= self._linger_until or self.killed):
            if moment < self._linger_until + _ROUNDS_UNTIL:
                self._kill_all()
                self._sooner("settle", moment + self._round, self.settle)
                self._round *= 2
                return
        elif (left or self.outputs.open) and moment < self._pipes_until(left):
            self._sooner("settle", self._pipes_until(left), self.settle)
            return
        self._end(left)

    def _pipes_until(self, left: list[int]) -> float:
        """Leftovers may use the rest of a stop's grace, mere bytes may not."""
        return self._linger_until if left else min(self._linger_until, self._started + self._wall_s + LINGER)

    def _end(self, survivors: list[int]) -> None:
        assert self.status is not None
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.outputs.close()
        code, number = exits.code_and_signal(self.status)
        self.exit = {
            "code": code,
            "signal": number,
            "sizes": self.outputs.sizes(),
            "cpu_s": round(self._cpu_s, 6),
            "peak_bytes": self._peak,
            "wall_s": round(self._wall_s, 6),
            "oom": self._oom,
            "stopped": self._stopped,
            "killed": self.killed and number == signal.SIGKILL,
            "survivors": survivors,
        }
        self._house.ended(self, self.exit)
