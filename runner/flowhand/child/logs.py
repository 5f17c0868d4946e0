"""Log records of a run's process, as `log` frames: of user loggers, of ours, and warnings."""

from __future__ import annotations

import logging
from typing import Any, Final

from flowhand.child.channel import Channel, say_aside
from flowhand.sdk.context import process
from flowhand.sdk.run_logging import ROOT

_FORMAT: Final = logging.Formatter()
_QUIET: Final = ("httpx", "httpcore", "urllib3", "docker", "asyncio")
"""Libraries that tell of each of their steps; at WARNING unless the author sets another level."""


class ChannelHandler(logging.Handler):
    """Sends each record in the thread that logs it. One a process. Has no lock of its own: the channel's is enough."""

    def __init__(self) -> None:
        super().__init__()
        self.channel: Channel | None = None
        self.threshold = -1
        """The level at which the run's records are sent."""
        self.quietened: set[str] = set()

    def createLock(self) -> None:  # noqa: N802  # as the standard handler has it
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """As the standard handler does, which takes it for granted from Python 3.13 on that there is a lock."""
        kept = self.filter(record)
        if kept:
            self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """One `log` frame; to stderr when the keeper is gone. A record that cannot be formatted is told as such.

        Lines of a run that is called in here, and known to the API as one of its own, are that run's.
        """
        if process.elsewhere is not None and process.elsewhere(getattr(record, "flow_run_id", "")):
            return
        try:
            message = _FORMAT.format(record)
        except Exception as error:  # noqa: BLE001  # user code: arguments of a record, their __str__
            message = f"{record.msg!r} (cannot be formatted: {type(error).__name__}: {error})"
        assert self.channel is not None
        if not self.channel.send(log_frame(record.created, record.levelno, record.name, message, getattr(record, "task_run_id", None))):
            say_aside(message)


_handler: Final = ChannelHandler()


def log_frame(seconds: float, level: int, name: str, message: str, task: str | None = None) -> dict[str, Any]:
    """A `log` frame. Text that UTF-8 cannot carry (lone surrogates) is escaped."""
    if not message.isascii():
        message = message.encode("utf-8", "backslashreplace").decode()
    return {"k": "log", "t": int(seconds * 1_000_000), "l": level, "n": name, "m": message, "task": task}


def install(channel: Channel, level: int) -> None:
    """Sends what is logged at `level` and above through the channel; what is ours also when user code sets logging up anew.

    In a fork of a warm process that did this before, only what differs is done again: each logger touched is a page copied.
    """
    if _handler.channel is None:
        _attach()
    if level != _handler.threshold:
        _set_level(level)
    _handler.channel = channel


def _attach() -> None:
    ours = logging.getLogger(ROOT)
    logging.getLogger().addHandler(_handler)
    ours.addHandler(_handler)
    ours.propagate = False
    logging.captureWarnings(True)


def _set_level(level: int) -> None:
    _handler.threshold = level
    logging.getLogger().setLevel(level)
    logging.getLogger(ROOT).setLevel(level)
    for name in _QUIET:
        logger = logging.getLogger(name)
        if name in _handler.quietened or not logger.level:
            _handler.quietened.add(name)
            logger.setLevel(max(level, logging.WARNING))
