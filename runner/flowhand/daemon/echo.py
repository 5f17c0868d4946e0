"""The runs' log lines on the daemon's own terminal."""

from __future__ import annotations

import logging
import sys
from datetime import datetime
from typing import TextIO

from flowhand.daemon.run import Run
from flowhand.wire.runner import LogBatch


class Echo:
    """Writes lines as `12:34:56.789 | INFO    | flow/run | text`; to nowhere when it is off, or for runs with `stream_output: false`."""

    def __init__(self, on: bool, level: int = logging.INFO, stream: TextIO | None = None) -> None:
        self._on = on
        self._level = level
        self._stream = stream or sys.stderr

    def show(self, run: Run, batch: LogBatch) -> None:
        """Writes a batch's lines. A terminal that went away turns it off."""
        if not self._on or run.claimed.job.get("stream_output") is False:
            return
        text = "".join(
            f"{_clock(stamp)} | {logging.getLevelName(level):<7} | {run.title} | {message}\n"
            for _stream, _seq, stamp, level, _name, message, _task in batch.lines
            if level >= self._level
        )
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._on = False


def _clock(stamp_us: int) -> str:
    return datetime.fromtimestamp(stamp_us / 1e6).astimezone().strftime("%H:%M:%S.%f")[:-3]
