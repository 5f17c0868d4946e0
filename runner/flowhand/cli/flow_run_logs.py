"""`flowhand flow-run logs`"""

from __future__ import annotations

import logging
import re
import sys
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console

from flowhand.cli import names
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, write_json, write_json_line
from flowhand.cli.lines import log_json, log_text
from flowhand.cli.tables import WIDE
from flowhand.cli.times import parse_since
from flowhand.client.watching import Watch
from flowhand.clock import to_micros
from flowhand.errors import ConfigurationError
from flowhand.wire.runner import MAX_WAIT_S, WatchedLine


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which lines are shown."""

    level: int
    pattern: re.Pattern[str] | None
    since_us: int

    def __call__(self, line: WatchedLine) -> bool:
        if line.level < self.level or line.stamp_us < self.since_us:
            return False
        return self.pattern is None or self.pattern.search(line.message) is not None


def logs(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or its name when only one has it.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
    level: Annotated[str, typer.Option(metavar="LEVEL", help="From this level up: a name or a number.")] = "0",
    grep: Annotated[str | None, typer.Option(metavar="REGEX", help="Only lines in which this is found.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Only lines of the last 10m, or since 09:00.")] = None,
    tail: Annotated[int | None, typer.Option("--tail", "-n", min=0, metavar="N", help="Begin with the last so many lines.")] = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Show the log of a run. As JSON: a list, or with --follow one object a line."""
    wanted = _Wanted(_level(level), _pattern(grep), 0 if since is None else to_micros(parse_since(since)))
    with api() as client:
        watch = Watch(names.flow_run(client, run)["id"])
        reply = client.run(watch.next(0.0))
        lines = list(filter(wanted, reply.logs))
        while reply.logs:  # an answer holds a bounded number of lines
            reply = client.run(watch.next(0.0))
            lines += filter(wanted, reply.logs)
        _print(lines if tail is None else lines[max(0, len(lines) - tail) :], output, follow)
        try:
            while follow and not (reply.terminal and not reply.logs):
                reply = client.run(watch.next(0.0 if reply.terminal else MAX_WAIT_S))
                _print(list(filter(wanted, reply.logs)), output, follow)
        except KeyboardInterrupt:
            return


def _print(lines: list[WatchedLine], output: Format, follow: bool) -> None:
    if output is Format.JSON and not follow:
        return write_json([log_json(line) for line in lines])
    if output is Format.JSON:
        for line in lines:
            write_json_line(log_json(line))
        return None
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(log_text(line))
    sys.stdout.flush()
    return None


def _level(text: str) -> int:
    known = logging.getLevelNamesMapping()
    if text.isdigit():
        return int(text)
    try:
        return known[text.upper()]
    except KeyError:
        raise ConfigurationError(f"{text!r} is not a level: write DEBUG, INFO, WARNING, ERROR, CRITICAL or a number") from None


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise ConfigurationError(f"--grep {text!r} is not a regular expression: {error}") from None
