"""A watched clock counts every jump of the wall clock that anybody could have read the time in."""

from __future__ import annotations

import itertools
import threading

from flowhand.clock import JUMP_US, SystemClock, WatchedClock

HOUR_US = 3_600_000_000


class SetClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.boot = 1_000.0
        self.off_us = 1_700_000_000_000_000

    def now_us(self) -> int:
        return round(self.boot * 1_000_000) + self.off_us

    def monotonic(self) -> float:
        return self.boot

    def boottime(self) -> float:
        return self.boot


def test_time_that_goes_by_is_no_jump() -> None:
    """Nor is a suspension: boot time goes on with the wall's."""
    inner = SetClock()
    clock = WatchedClock(inner)
    for seconds in (0.0, 0.001, 1.0, 3_600.0, 86_400.0):
        inner.boot += seconds
        assert clock.now_us() == inner.now_us()
    assert clock.jumps == 0


def test_there_and_back_is_two_jumps_where_somebody_read_the_time_between() -> None:
    """And none where nobody did."""
    inner = SetClock()
    clock = WatchedClock(inner)
    inner.off_us += HOUR_US
    inner.off_us -= HOUR_US
    assert clock.now_and_jumps() == (inner.now_us(), 0)
    inner.off_us -= HOUR_US
    clock.now_us()
    assert clock.jumps == 1
    inner.off_us += HOUR_US
    assert clock.now_and_jumps() == (inner.now_us(), 2), "a jump that the reading itself shows is counted by then"


def test_small_steps_add_up() -> None:
    """A clock that is moved by and by has jumped as well, and steps to and fro have not."""
    inner = SetClock()
    clock = WatchedClock(inner)
    for step in (JUMP_US // 3, -JUMP_US // 3) * 5:
        inner.off_us += step
        clock.now_us()
    assert clock.jumps == 0
    for _ in range(4):
        inner.off_us += JUMP_US // 3
        clock.now_us()
    assert clock.jumps == 1


def test_no_jump_is_missed_by_readers_in_many_threads() -> None:
    """Whoever reads the time beside others has the count of its own moment: two readings with one count are of one clock."""
    inner, jolts = SetClock(), 200
    clock = WatchedClock(inner)
    begin = inner.off_us
    seen: list[tuple[int, int]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            now, jumps = clock.now_and_jumps()
            seen.append((jumps, now - round(inner.boot * 1_000_000)))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(jolts):
        inner.off_us = begin + number % 2 * HOUR_US
        clock.now_us()
    done.set()
    for reader in readers:
        reader.join()
    assert clock.jumps >= jolts - 1
    for _, readings in itertools.groupby(sorted(set(seen)), key=lambda one: one[0]):
        assert len(list(readings)) == 1, "the same count, and clocks an hour apart"


def test_the_machines_own_clock_is_steady() -> None:
    """A thousand readings of it show no jump."""
    clock = WatchedClock(SystemClock())
    for _ in range(1_000):
        clock.now_us()
    assert clock.jumps == 0
    assert clock.boottime() > 0 < clock.monotonic()


class StallingClock(SetClock):
    """The reader is not given a core for a while, between wall and boot time."""

    stall_s = 0.0

    def boottime(self) -> float:
        self.boot, self.stall_s = self.boot + self.stall_s, 0.0
        return self.boot


def test_a_reader_that_stood_still_has_seen_no_jump() -> None:
    """Its time is read again."""
    inner = StallingClock()
    clock = WatchedClock(inner)
    inner.stall_s = 0.6
    assert clock.now_us() == inner.now_us()
    assert clock.jumps == 0
