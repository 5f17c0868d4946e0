"""The desk where claims wait. One due run wakes one of them.

What is due now is claimed for a waiter within the very commit that made it due, where the store has common commits: creating a run and
handing it to a waiting worker then costs one write to the disk. What will be due later wakes one waiter by a timer.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from flowhand.clock import Clock
from flowhand_server.store.claim import Answer
from flowhand_server.store.notices import Notice
from flowhand_server.store.store import Work

from .frees import Frees
from .groups import Group, GroupKey, Waiter

_TIMER_SLACK_S = 0.0005
"""So that a timer never fires just before the time it is for."""


@dataclass(slots=True, eq=False)
class Desk:
    """All waiting claims of this process. Used on the loop, but for `follow`, which the store's writer calls in its own thread."""

    clock: Clock
    stopping: bool = False
    frees: Frees = field(default_factory=Frees)
    _orders: int = 0
    _news: Counter[GroupKey] = field(default_factory=Counter[GroupKey])
    _groups: dict[GroupKey, Group] = field(default_factory=dict[GroupKey, Group])
    _sessions: dict[str, set[Waiter]] = field(default_factory=dict[str, set[Waiter]])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _timers: dict[GroupKey, asyncio.TimerHandle] = field(default_factory=dict[GroupKey, asyncio.TimerHandle])

    # --- on the loop -----------------------------------------------------------------------------------------------------------------

    def news(self, key: GroupKey | None) -> tuple[int, int]:
        """Grows when something happens that concerns the group: who asks before he looks can tell afterwards whether he missed it."""
        return self._orders, self._news[key] if key else 0

    @property
    def waiting(self) -> int:
        """How many claims wait."""
        return sum(len(waiters) for waiters in self._sessions.values())

    def wait(self, waiter: Waiter, next_due: int | None) -> None:
        """Lets a claim wait until it is woken or `leave` is called. `next_due` is what its look saw coming."""
        self._sessions.setdefault(waiter.session, set()).add(waiter)
        if waiter.key is None:
            return
        with self._lock:
            self._news.setdefault(waiter.key, 0)
            group = self._groups.setdefault(waiter.key, Group(waiter.key))
            group.add(waiter)
        group.expect(next_due)
        self._arm(group)

    def leave(self, waiter: Waiter) -> bool:
        """Takes a claim off the desk; idempotent. False when it was taken already, to be woken or served."""
        here = self._sessions.get(waiter.session)
        if here is not None:
            here.discard(waiter)
            if not here:
                del self._sessions[waiter.session]
        if waiter.key is None:
            return True
        with self._lock:
            group = self._groups.get(waiter.key)
            was_here = group is not None and group.remove(waiter)
            if group is None or group.waiters:
                return was_here
            del self._groups[waiter.key]
        timer = self._timers.pop(waiter.key, None)
        if timer is not None:
            timer.cancel()
        return was_here

    def pass_on(self, key: GroupKey | None) -> None:
        """There may be more for this group: its next waiter looks."""
        group = self._groups.get(key) if key else None
        if group is not None:
            self._wake_one(group)

    def notice(self, notices: Sequence[Notice]) -> None:
        """Wakes whom the notices of a commit concern."""
        now = self.clock.now_us()
        for notice in notices:
            match notice.topic:
                case "due":
                    self._due(notice, now)
                case "freed":
                    self._freed(notice)
                case "config":
                    self._orders += 1
                    self.wake_all()
                case "session":
                    self._orders += 1
                    _wake(self._sessions.get(notice.key or "", ()))
                case _:
                    pass  # nobody here waits for it

    def wake_all(self) -> None:
        """Has every waiting claim look again."""
        for waiters in list(self._sessions.values()):
            _wake(waiters)

    def stop(self) -> None:
        """Has every waiting claim answered at once, and lets none wait any more."""
        self.stopping = True
        self.wake_all()

    def _due(self, notice: Notice, now: int) -> None:
        for key in self._news:
            if key.concerns(notice):
                self._news[key] += 1
        if notice.served:
            return
        for group in self._concerned(notice):
            if notice.at <= now + group.key.prefetch_us:
                self._wake_one(group)
            else:
                group.expect(notice.at)
                self._arm(group)

    def _freed(self, notice: Notice) -> None:
        """Of each group, one looks who waits for a slot of what this one is of."""
        self.frees.note(notice.freed)
        for group in list(self._groups.values()):
            self._wake_one(group, notice.freed)

    def _wake_one(self, group: Group, freed: frozenset[str] | None = None) -> None:
        with self._lock:
            waiter = group.take(freed)
        if waiter is not None:
            _wake([waiter])

    def _concerned(self, notice: Notice) -> list[Group]:
        return [group for group in list(self._groups.values()) if group.key.concerns(notice)]

    def _arm(self, group: Group) -> None:
        timer = self._timers.pop(group.key, None)
        if timer is not None:
            timer.cancel()
        if group.next_due is None:
            return
        delay = (group.next_due - group.key.prefetch_us - self.clock.now_us()) / 1_000_000
        self._timers[group.key] = asyncio.get_running_loop().call_later(max(0.0, delay) + _TIMER_SLACK_S, self._fire, group)

    def _fire(self, group: Group) -> None:
        self._timers.pop(group.key, None)
        group.next_due = None
        self._wake_one(group)

    # --- in the writer's thread ------------------------------------------------------------------------------------------------------

    def follow(self, notices: Sequence[Notice]) -> list[Work]:
        """The claims that share the commit with what made something due for them."""
        due = [notice for notice in notices if notice.topic == "due"]
        if not due or self.stopping:
            return []
        now = self.clock.now_us()
        works: list[Work] = []
        with self._lock:
            for notice in due:
                waiter = self._first_for(notice, now)
                if waiter is not None:
                    notice.served = True
                    works.append(Work(waiter.claim, cast("asyncio.Future[Answer]", waiter.future)))
        return works

    def _first_for(self, notice: Notice, now: int) -> Waiter | None:
        for group in self._groups.values():
            if group.key.concerns(notice) and notice.at <= now + group.key.prefetch_us:
                waiter = group.take()
                if waiter is not None:
                    return waiter
        return None


def _wake(waiters: Iterable[Waiter]) -> None:
    for waiter in list(waiters):
        if not waiter.future.done():
            waiter.future.set_result(None)
