"""Log lines and state changes as they are printed."""

from __future__ import annotations

import logging
from typing import Final

from rich.text import Text

from flowhand.cli.tables import state_text
from flowhand.cli.times import clock_time
from flowhand.wire.runner import WatchedLine, WatchReply

_STYLES: Final = ((logging.ERROR, "red"), (logging.WARNING, "yellow"), (logging.INFO, ""), (0, "dim"))


def log_text(line: WatchedLine) -> Text:
    """Time, level and message; further lines of the message stand below its first."""
    style = next(style for level, style in _STYLES if line.level >= level)
    text = Text.assemble((f"{clock_time(line.stamp_us)} ", "dim"))
    text.append(f"{logging.getLevelName(line.level):<8} ", style=style)
    text.append(line.message.rstrip("\n"), style=style if line.level != logging.INFO else "")
    return text


def state_line(reply: WatchReply) -> Text:
    """Time, state and message."""
    name = state_text(reply.state_type, reply.state_name)
    when = f"{clock_time(reply.stamp_us)} " if reply.stamp_us is not None else ""
    text = Text.assemble((when, "dim"), (f"● {name}", f"bold {name.style}".strip()))
    if reply.message:
        text.append(f"  {reply.message}")
    return text


def waiting_text(reply: WatchReply) -> str:
    """What a run that does not go on waits for."""
    return (
        f"{reply.state_name or reply.state_type or 'Unknown'}: {reply.why}" if reply.why else (reply.state_name or reply.state_type or "")
    )


def log_json(line: WatchedLine) -> dict[str, object]:
    """A log line for scripts."""
    return line.model_dump(exclude={"cursor"})
