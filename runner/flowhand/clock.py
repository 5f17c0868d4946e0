"""Time, as a thing that is handed in.

Three kinds of time are kept apart: wall time (UTC, for what people and other machines read), monotonic time (for deadlines inside one
process) and boot time (CLOCK_BOOTTIME, for leases: it goes on while the host is suspended and is the same in every process of one boot).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Final, Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
JUMP_US: Final = 500_000
"""How far wall and boot time may part before times of before and after cannot be compared any more. Workers keep a longer margin."""
_CLOSE_S: Final = 0.05
_TRIES: Final = 20
_BOOT_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """Where a component reads the time. The real one is `SystemClock`; simulations bring their own."""

    def now_us(self) -> int:
        """Wall time in microseconds since the epoch, UTC. May jump."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary point of this process's life. Never jumps."""
        ...

    def boottime(self) -> float:
        """Seconds since boot, suspension included; comparable between processes of one boot."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime(self) -> float:
        return time.clock_gettime(_BOOT_CLOCK)


class WatchedClock:
    """Another clock, watched at every reading for jumps of its wall time: somebody set it, at once or by and by.

    A jump that nobody read the time in is none, and one that is undone is two. Suspension is no jump, since boot time goes on meanwhile.
    A reading takes well under a microsecond; readings may come from any thread. A jump may be counted twice, never not at all.
    `settled` is how many have been taken account of, for those who do that to say to each other.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart_us = self._apart(clock.now_us())
        self._lock = Lock()
        self.jumps = 0
        """How many were seen."""
        self.settled = 0

    def now_us(self) -> int:
        """See `Clock`. A jump that it shows is counted before it returns."""
        now = self._clock.now_us()
        return now if self._steady(self._apart(now)) else self._looked_at_again()

    def now_and_jumps(self) -> tuple[int, int]:
        """Wall time, and how many jumps had been counted at that very moment."""
        while True:
            jumps = self.jumps
            now = self.now_us()
            if jumps == self.jumps:
                return now, jumps

    def monotonic(self) -> float:
        """See `Clock`."""
        return self._clock.monotonic()

    def boottime(self) -> float:
        """See `Clock`."""
        return self._clock.boottime()

    def _looked_at_again(self) -> int:
        """The time, read so closely that this thread cannot have stood still between the two clocks for as long as a jump."""
        before, now, tries = self._clock.boottime(), self._clock.now_us(), 1
        while self._clock.boottime() - before > _CLOSE_S and tries < _TRIES:
            before, now, tries = self._clock.boottime(), self._clock.now_us(), tries + 1
        apart_us = now - int(before * 1_000_000)
        if not self._steady(apart_us):
            with self._lock:
                self.jumps += 1  # first: whoever finds the other changed must find this one changed
                self._apart_us = apart_us
        return now

    def _steady(self, apart_us: int) -> bool:
        return -JUMP_US < apart_us - self._apart_us < JUMP_US

    def _apart(self, now_us: int) -> int:
        return now_us - int(self._clock.boottime() * 1_000_000)


def to_datetime(micros: int) -> datetime:
    """Microseconds since the epoch as an aware UTC datetime."""
    return EPOCH + timedelta(microseconds=micros)


def to_micros(moment: datetime) -> int:
    """An aware datetime as microseconds since the epoch; exact. ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return (moment - EPOCH) // _MICROSECOND


def to_iso(micros: int) -> str:
    """Microseconds since the epoch as ISO-8601 with `Z`, the form of the REST contract (contract 1)."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{_second(seconds)}.{rest:06d}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    """Whole seconds; kept, since the times of one answer are close to each other."""
    return (EPOCH + timedelta(seconds=seconds)).isoformat()[:-6]
