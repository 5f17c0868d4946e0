"""Masking: nothing that a run says leaves the daemon with a secret in it.

Two sets are known: the daemon's own credentials, and what the run's process has named (`secret` frames, which the keeper files before it
acknowledges them, so that they are always read before the text that may hold them).
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flowhand.daemon.run import Run
from flowhand.redaction import Redactor
from flowhand.wire.runner import EventItem, LogLine, StateItem, Stream, TaskItem


class Masking:
    """Applied to all that runs say, on its way into a report."""

    def __init__(self, own: Redactor) -> None:
        self.own = own

    def lines(self, run: Run, lines: list[LogLine]) -> list[LogLine]:
        """The same lines without secrets. Those of one stream are read as they follow one another, also upon what came before."""
        known = self._known(run)
        if not known:
            return lines
        masked: list[LogLine] = []
        for stream, group in groupby(lines, key=_stream):
            together = list(group)
            texts = [line[5] for line in together]
            before, run.last_told[stream] = run.last_told.get(stream, ""), texts[-1]
            for redactor in known:
                texts = redactor.lines(texts, before)
            masked += [(*line[:5], text, line[6]) for line, text in zip(together, texts, strict=True)]
        return masked

    def state(self, run: Run, item: StateItem) -> StateItem:
        """The same state without secrets in its message, its data and the run's name."""
        known = self._known(run)
        item.message, item.run_name, item.data = (_masked(part, known) for part in (item.message, item.run_name, item.data))
        return item

    def task(self, run: Run, item: TaskItem) -> TaskItem:
        """The same task state without secrets in its name and message."""
        known = self._known(run)
        item.name, item.message = _masked(item.name, known), _masked(item.message, known)
        return item

    def event(self, run: Run, item: EventItem) -> EventItem:
        """The same event without secrets in what it says."""
        known, event = self._known(run), item.event
        if known:
            event.event, event.resource, event.related, event.payload = (
                _masked(part, known) for part in (event.event, event.resource, event.related, event.payload)
            )
        return item

    def _known(self, run: Run) -> list[Redactor]:
        return [redactor for redactor in (self.own, run.secrets) if redactor.longest]


def _stream(line: LogLine) -> Stream:
    return line[0]


def _masked(value: Any, known: list[Redactor]) -> Any:
    for redactor in known:
        value = redactor.deep(value)
    return value
