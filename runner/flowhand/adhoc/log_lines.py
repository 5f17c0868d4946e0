"""Log records of runs that are called here, as lines for the API."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from flowhand.adhoc.outbox import Line

_FORMAT: Final = logging.Formatter()


class RunLines(logging.Handler):
    """Hands each record to the run that it was logged in."""

    def __init__(self, hand_over: Callable[[str, Line], None], level: str) -> None:
        super().__init__(level)
        self._hand_over = hand_over

    def emit(self, record: logging.LogRecord) -> None:
        """One line. A record that cannot be formatted is told as such."""
        flow_run_id = getattr(record, "flow_run_id", None)
        if not isinstance(flow_run_id, str):
            return
        try:
            message = _FORMAT.format(record)
        except Exception as error:  # noqa: BLE001  # user code: arguments of a record, their __str__
            message = f"{record.msg!r} (cannot be formatted: {type(error).__name__}: {error})"
        if not message.isascii():
            message = message.encode("utf-8", "backslashreplace").decode()
        task = getattr(record, "task_run_id", None)
        self._hand_over(flow_run_id, Line(int(record.created * 1_000_000), record.levelno, record.name, message, task))
