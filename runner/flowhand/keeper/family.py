"""Who belongs to whom: the processes below the keeper, by attempt.

The keeper is its children's subreaper: a process whose parent has ended becomes the keeper's own child, an orphan. An orphan is its
attempt's by session or, where it made a session of its own, by its mark. One that has left both is let go: that is how a program detaches
on purpose.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Generic, Protocol, TypeVar

from flowhand.keeper import tree


class Parent(Protocol):
    """What is known of an attempt here. `alive` is about its main process."""

    @property
    def pid(self) -> int: ...
    @property
    def mark(self) -> str: ...
    @property
    def alive(self) -> bool: ...


P = TypeVar("P", bound=Parent)


class Family(Generic[P]):
    """Knows every attempt whose tree may still have members."""

    def __init__(self) -> None:
        self._by_pid: dict[int, P] = {}
        self._by_mark: dict[str, P] = {}
        self._orphans: dict[int, P | None] = {}
        self._everyone: dict[int, tree.Process] | None = None

    def __len__(self) -> int:
        return len(self._by_pid)

    def add(self, attempt: P) -> None:
        self._by_pid[attempt.pid] = attempt
        self._by_mark[attempt.mark] = attempt

    def remove(self, attempt: P) -> None:
        """Its tree is done with."""
        if self._by_pid.get(attempt.pid) is attempt:
            del self._by_pid[attempt.pid]
        self._by_mark.pop(attempt.mark, None)

    def main(self, pid: int) -> P | None:
        """The attempt whose living main process has this pid."""
        attempt = self._by_pid.get(pid)
        return attempt if attempt is not None and attempt.alive else None

    def owner(self, pid: int) -> P | None:
        """The attempt that an orphan belongs to; asked before it is reaped, and the last that is asked about it."""
        if pid in self._orphans:
            return self._orphans.pop(pid)
        return self._attribute(pid)

    def left(self, attempt: P) -> list[int]:
        """The attempt's orphans."""
        present = {pid for pid in tree.children() if self.main(pid) is None}
        known = self._orphans
        self._orphans = {pid: known[pid] if pid in known else self._attribute(pid) for pid in present}
        return [pid for pid, owner in self._orphans.items() if owner is attempt]

    def kill(self, attempt: P) -> None:
        """SIGKILL to all of the attempt's tree that can be seen now."""
        roots = self.left(attempt)
        if self._everyone is None:
            self._everyone = tree.everyone()
        everyone = self._everyone
        roots += [process.pid for process in everyone.values() if process.session == attempt.pid]
        for pid in tree.descendants(roots, everyone):
            if not everyone[pid].dead:
                tree.send(everyone[pid], signal.SIGKILL)

    def turn(self) -> None:
        """What was seen of the system is old now."""
        self._everyone = None

    def _attribute(self, pid: int) -> P | None:
        process = tree.look(pid)
        if process is None:
            return None
        return self._by_pid.get(process.session) or self._by_mark.get(tree.mark_of(pid) or "")


def signal_group(leader: int, number: signal.Signals) -> None:
    """Signals the group of a child that has not been reaped; the child alone while it has not made its group yet. Nobody, where all that is
    in there has become another user's."""
    with contextlib.suppress(PermissionError):
        try:
            os.killpg(leader, number)
        except ProcessLookupError:
            os.kill(leader, number)
