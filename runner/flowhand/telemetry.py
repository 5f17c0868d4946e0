"""The daemon's and the command line's own log: structlog, configured once at the edge of the program.

A terminal gets lines for people, everything else one JSON object a line. Both go to stderr: stdout belongs to what a command answers. The
log of runs is another thing; it goes to the API.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Callable
from typing import Final, TextIO, cast

from flowhand.lean import without

with without("rich"):
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger

Redact = Callable[[str], str]
"""Takes a text and gives it back without the secrets that it held."""
_QUIET: Final = ("httpx", "httpcore", "urllib3", "docker", "asyncio")


def configure(level: str = "INFO", log_format: str = "auto", *, redact: Redact | None = None, stream: TextIO | None = None) -> None:
    """Sets the process's log up; a later call replaces the earlier.

    `level` is a name of `logging`, `log_format` one of console, json and auto (console on a terminal). Every text in a record passes
    `redact` last, after exceptions were made text. Loggers of other libraries join at WARNING and above.
    """
    out = cast("TextIO", Unfailing(stream or sys.stderr))
    console = log_format == "console" or (log_format == "auto" and out.isatty())
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[*_shared(), *_rendering(console, out, redact)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _join_standard_loggers(number, console, out, redact)


class Unfailing(io.TextIOBase):
    """A stream to whose end the program does not owe its life: on a full disk, or when the reader has gone, lines wait in the buffer of
    `stream` or are lost, and nothing is raised.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose records carry `component`. May be made before `configure`."""
    return structlog.get_logger(component=name)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _rendering(console: bool, out: TextIO, redact: Redact | None) -> list[Processor]:
    redacting: list[Processor] = [_Redactor(redact)] if redact else []
    if console:
        return [
            structlog.processors.ExceptionRenderer(),
            *redacting,
            structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback),
        ]
    return [structlog.processors.ExceptionRenderer(), *redacting, structlog.processors.JSONRenderer()]


class _Redactor:
    """Applies `redact` to every text of a record, however deep."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        if isinstance(value, str):
            return self._redact(value)
        if isinstance(value, dict):
            return {key: self._clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(item) for item in value]
        return value


def _join_standard_loggers(number: int, console: bool, out: TextIO, redact: Redact | None) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_shared()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(console, out, redact)],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
