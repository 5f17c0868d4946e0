"""What one run still has to tell the API, in order, and under which numbers. No I/O, no locks.

An attempt counts its lines and its states from 1. What is sent stays here until it is answered, so that it is sent again under the same
numbers; a failed try ends a batch, because the number of the attempt that follows is in the answer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from flowhand.wire.runner import LogBatch, LogLine, StateItem, TaskItem

MOST_TEXT: Final = 150_000
"""Characters in one batch: at most six bytes each in JSON, it stays below what a report may weigh."""
_AROUND: Final = 32
"""What the numbers and names around a text take, in these characters."""


@dataclass(frozen=True, slots=True)
class Line:
    """A log line. `stamp_us` is microseconds since the epoch (UTC)."""

    stamp_us: int
    level: int
    name: str
    message: str
    task_run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A state, as the fields of its `StateItem`, and whether it ends a try that another one follows, or the run."""

    fields: dict[str, Any]
    tries_again: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class TaskTold:
    """A state of one of its task runs, as the fields of its `TaskItem`."""

    fields: dict[str, Any]


Item = Line | Told | TaskTold


@dataclass(frozen=True, slots=True)
class Batch:
    """The first `count` things of an outbox, as they go on the wire."""

    count: int
    logs: LogBatch | None
    states: list[StateItem]
    tasks: list[TaskItem]
    ends: Told | None
    """The state that ends the attempt, when it is among them."""
    size: int
    """How much of the room they take."""


@dataclass(slots=True)
class Outbox:
    """Of one run, once it has an id and an attempt."""

    waiting: deque[Item] = field(default_factory=deque[Item])
    run_id: str = ""
    attempt: int = 0
    _lines: int = 0
    _states: int = 0

    def address(self, run_id: str, attempt: int) -> None:
        """From now on it speaks of this attempt, whose numbers begin anew."""
        self.run_id, self.attempt = run_id, attempt
        self._lines = self._states = 0

    def batch(self, room: int) -> Batch:
        """As much as fits in `room` characters, and at least one thing."""
        lines: list[LogLine] = []
        states: list[StateItem] = []
        tasks: list[TaskItem] = []
        count = size = 0
        for item in islice(self.waiting, None):
            cost = _cost(item)
            if count and size + cost > room:
                break
            size += cost
            count += 1
            if isinstance(item, Told):
                states.append(self._state(item, self._states + len(states) + 1))
            elif isinstance(item, TaskTold):
                tasks.append(TaskItem(run_id=self.run_id, attempt=self.attempt, seq=0, **item.fields))
            else:
                lines.append(self._line(item, self._lines + len(lines) + 1))
            if isinstance(item, Told) and (item.tries_again or item.last):
                return Batch(count, self._logs(lines), states, tasks, item, size)
        return Batch(count, self._logs(lines), states, tasks, None, size)

    def stored(self, batch: Batch) -> None:
        """The batch was answered."""
        for _ in range(batch.count):
            self.waiting.popleft()
        self._lines += len(batch.logs.lines) if batch.logs else 0
        self._states += len(batch.states)

    def _logs(self, lines: list[LogLine]) -> LogBatch | None:
        return LogBatch(run_id=self.run_id, attempt=self.attempt, lines=lines) if lines else None

    def _state(self, told: Told, seq: int) -> StateItem:
        return StateItem(run_id=self.run_id, attempt=self.attempt, seq=seq, **told.fields)

    def _line(self, line: Line, seq: int) -> LogLine:
        return ("channel", seq, line.stamp_us, line.level, line.name, line.message[:MOST_TEXT], line.task_run_id)


def _cost(item: Item) -> int:
    """Characters, those around the text included: many short lines are long, too."""
    if isinstance(item, Line):
        return min(len(item.message), MOST_TEXT) + len(item.name) + _AROUND
    return len(str(item.fields)) + _AROUND
