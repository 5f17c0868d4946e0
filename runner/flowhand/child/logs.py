"""Log records of a run's process, as `log` frames: of user loggers, of ours, and warnings."""

from __future__ import annotations

import logging
from typing import Any, Final

from flowhand.child.channel import Channel, say_aside
from flowhand.sdk.run_logging import ROOT

_FORMAT: Final = logging.Formatter()
_QUIET: Final = ("httpx", "httpcore", "urllib3", "docker", "asyncio")
"""Libraries that tell of each of their steps; at WARNING unless the author sets another level."""


class ChannelHandler(logging.Handler):
    """Sends each record in the thread that logs it. Has no lock of its own: the channel's is enough."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def createLock(self) -> None:  # noqa: N802  # as the standard handler has it
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """One `log` frame; to stderr when the keeper is gone. A record that cannot be formatted is told as such."""
        try:
            message = _FORMAT.format(record)
        except Exception as error:  # noqa: BLE001  # user code: arguments of a record, their __str__
            message = f"{record.msg!r} (cannot be formatted: {type(error).__name__}: {error})"
        if not self._channel.send(log_frame(record.created, record.levelno, record.name, message, getattr(record, "task_run_id", None))):
            say_aside(message)


def log_frame(seconds: float, level: int, name: str, message: str, task: str | None = None) -> dict[str, Any]:
    """A `log` frame. Text that UTF-8 cannot carry (lone surrogates) is escaped."""
    if not message.isascii():
        message = message.encode("utf-8", "backslashreplace").decode()
    return {"k": "log", "t": int(seconds * 1_000_000), "l": level, "n": name, "m": message, "task": task}


def install(channel: Channel, level: int) -> ChannelHandler:
    """Sends what is logged at `level` and above through the channel; what is ours also when user code sets logging up anew."""
    handler = ChannelHandler(channel)
    root, ours = logging.getLogger(), logging.getLogger(ROOT)
    root.addHandler(handler)
    root.setLevel(level)
    ours.addHandler(handler)
    ours.setLevel(level)
    ours.propagate = False
    for name in _QUIET:
        if not logging.getLogger(name).level:
            logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(True)
    return handler


def remove(handler: ChannelHandler) -> None:
    """Undoes `install`."""
    root, ours = logging.getLogger(), logging.getLogger(ROOT)
    root.removeHandler(handler)
    root.setLevel(logging.WARNING)
    ours.removeHandler(handler)
    ours.setLevel(logging.NOTSET)
    ours.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.captureWarnings(False)
