"""The runs' log lines beside the daemon's own: for people on a terminal, as JSON where the daemon's log is JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime
from typing import TextIO

from flowhand.clock import to_iso
from flowhand.daemon.run import Run
from flowhand.wire.runner import LogBatch


class Echo:
    """Writes lines as `12:34:56.789 | INFO    | flow/run | text`, or one JSON object each, so that a log shipper reads one form alone.
    To nowhere when it is off, or for runs with `stream_output: false`.
    """

    def __init__(self, on: bool, log_format: str = "auto", level: int = logging.INFO, stream: TextIO | None = None) -> None:
        self._on = on
        self._level = level
        self._stream = stream or sys.stderr
        self._form = _as_json if log_format == "json" or (log_format == "auto" and not self._stream.isatty()) else _as_line

    def show(self, run: Run, batch: LogBatch) -> None:
        """Writes a batch's lines. A terminal that went away turns it off."""
        if not self._on or run.claimed.job.get("stream_output") is False:
            return
        text = "".join(
            self._form(run, stamp, level, name, message)
            for _stream, _seq, stamp, level, name, message, _task in batch.lines
            if level >= self._level
        )
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._on = False


def _as_line(run: Run, stamp_us: int, level: int, _name: str, message: str) -> str:
    clock = datetime.fromtimestamp(stamp_us / 1e6).astimezone().strftime("%H:%M:%S.%f")[:-3]
    return f"{clock} | {logging.getLevelName(level):<7} | {run.title} | {message}\n"


def _as_json(run: Run, stamp_us: int, level: int, name: str, message: str) -> str:
    told = {"run": run.title, "flow_run_id": run.claimed.run_id, "logger": name, "event": message}
    return json.dumps({**told, "level": logging.getLevelName(level).lower(), "timestamp": to_iso(stamp_us)}) + "\n"
