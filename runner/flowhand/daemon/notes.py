"""Lines of the daemon's own in a run's log."""

from __future__ import annotations

from typing import Final

from flowhand.daemon.journal import Journal
from flowhand.daemon.run import Run
from flowhand.wire.runner import LogLine

INFO: Final = 20
WARNING: Final = 30


def note(journal: Journal, run: Run, stamp_us: int, level: int, logger: str, message: str) -> None:
    """One more line, journaled so that it is said exactly once. Whoever calls this marks the run."""
    run.last_note += 1
    line: LogLine = ("daemon", run.last_note, stamp_us, level, logger, message, None)
    journal.note(run.key, line)
    run.notes.append(line)
