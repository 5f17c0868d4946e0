"""Waiting claims, grouped by what they may take: whatever one of a group may take, each of it may."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from flowhand_server.store.claim import Answer
from flowhand_server.store.notices import Notice


@dataclass(frozen=True, slots=True)
class GroupKey:
    """A pool and its queues (None: all of them), or the deployments that a script serves; and how early runs are given."""

    pool: str | None
    queues: frozenset[str] | None
    deployments: frozenset[str]
    prefetch_us: int

    @classmethod
    def of(cls, answer: Answer, prefetch_s: float) -> GroupKey:
        """The key of the session that got `answer`."""
        opened = answer.session
        queues = frozenset(answer.queues) if opened.work_queues else None
        return cls(opened.work_pool_id, queues, frozenset(opened.deployments), round(max(0.0, prefetch_s) * 1_000_000))

    def concerns(self, notice: Notice) -> bool:
        """Whether a run that `notice` tells of could be taken here."""
        if self.pool is None:
            return notice.deployment in self.deployments
        return notice.pool == self.pool and (self.queues is None or notice.queue in self.queues or notice.queue is None)


@dataclass(slots=True, eq=False)
class Waiter:
    """A claim that waits. Its future ends with the answer of a claim that was made for it, or with None: look again."""

    session: str
    key: GroupKey | None
    future: asyncio.Future[Answer | None]
    claim: Callable[[Connection], Answer]
    waits_for: frozenset[str] = frozenset()
    """Of what its last look found no slot for something that is due: ids of limits, deployments, queues or pools."""


@dataclass(slots=True)
class Group:
    """The waiters of one key, first come first served, and when something will be due for them."""

    key: GroupKey
    waiters: OrderedDict[int, Waiter] = field(default_factory=OrderedDict[int, Waiter])
    next_due: int | None = None

    def take(self, freed: frozenset[str] | None = None) -> Waiter | None:
        """Removes and returns the first waiter whose client is there; with `freed` the first that waits for a slot of one of these."""
        for waiter in list(self.waiters.values()):
            if waiter.future.done():
                self.remove(waiter)
            elif freed is None or not freed.isdisjoint(waiter.waits_for):
                self.remove(waiter)
                return waiter
        return None

    def add(self, waiter: Waiter) -> None:
        """Puts a waiter at the end."""
        self.waiters[id(waiter)] = waiter

    def remove(self, waiter: Waiter) -> bool:
        """Takes a waiter out, if it is in; whether it was."""
        return self.waiters.pop(id(waiter), None) is not None

    def expect(self, due: int | None) -> None:
        """Notes that something will be due at `due` (microseconds, UTC)."""
        if due is not None and (self.next_due is None or due < self.next_due):
            self.next_due = due
