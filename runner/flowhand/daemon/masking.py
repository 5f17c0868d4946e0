"""Masking: nothing that a run says leaves the daemon with a secret in it.

Two sets are known: the daemon's own credentials, and what the run's process has named (`secret` frames, which the keeper files before it
acknowledges them, so that they are always read before the text that may hold them).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowhand.daemon.run import Run
from flowhand.redaction import Redactor
from flowhand.wire.runner import EventItem, LogLine, StateItem, TaskItem

Mask = Callable[[str], str]


class Masking:
    """Applied to all that runs say, on its way into a report."""

    def __init__(self, own: Redactor) -> None:
        self.own = own

    def lines(self, run: Run, lines: list[LogLine]) -> list[LogLine]:
        """The same lines without secrets."""
        mask = self._of(run)
        return [(*line[:5], mask(line[5]), line[6]) for line in lines] if mask else lines

    def state(self, run: Run, item: StateItem) -> StateItem:
        """The same state without secrets in its message, its data and the run's name."""
        mask = self._of(run)
        if mask is None:
            return item
        item.message = mask(item.message) if item.message else item.message
        item.run_name = mask(item.run_name) if item.run_name else item.run_name
        item.data = _deep(item.data, mask)
        return item

    def task(self, run: Run, item: TaskItem) -> TaskItem:
        """The same task state without secrets in its name and message."""
        mask = self._of(run)
        if mask is not None:
            item.name = mask(item.name)
            item.message = mask(item.message) if item.message else item.message
        return item

    def event(self, run: Run, item: EventItem) -> EventItem:
        """The same event without secrets in what it says."""
        mask = self._of(run)
        if mask is not None:
            event = item.event
            event.resource, event.related, event.payload = (_deep(part, mask) for part in (event.resource, event.related, event.payload))
        return item

    def _of(self, run: Run) -> Mask | None:
        own = self.own.text if self.own.longest else None
        named = run.secrets.text if run.secrets.longest else None
        if own and named:
            return lambda text: named(own(text))
        return own or named


def _deep(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _deep(item, mask) for key, item in value.items()}
    if isinstance(value, list):
        return [_deep(item, mask) for item in value]
    return value
