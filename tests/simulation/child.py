"""What a simulated flow does: how long it loads and runs, what it says, how it ends."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any, Literal

from flowhand.wire import records

End = Literal["completed", "failed", "mute", "crash"]
"""`mute` leaves without a word, `crash` dies of a signal."""


@dataclass(frozen=True, slots=True)
class Script:
    """One run's flow. Every attempt follows it, but only the first `failures` fail."""

    load_s: float
    body_s: float
    lines: int
    end: End
    deaf: bool = False
    """It ignores SIGTERM."""
    retries: int = 0
    retry_delay_s: float = 0.0
    failures: int = 0
    cleanup_s: float = 0.1
    """How long it takes to leave once it was asked to."""
    hooks_s: float | None = None
    """How long the hooks of its end take; None: it has none."""


def draw_script(draw: random.Random) -> Script:
    """A flow of some kind."""
    end: End = draw.choices(("completed", "failed", "mute", "crash"), (8, 2, 1, 1))[0]
    retries = draw.choice((0, 0, 1, 2))
    return Script(
        load_s=draw.uniform(0.003, 0.3),
        body_s=draw.choice((0.01, 0.5, 3.0, 10.0, 20.0)) * draw.uniform(0.5, 1.5),
        lines=draw.randint(0, 8),
        end=end,
        deaf=draw.random() < 0.15,
        retries=retries,
        retry_delay_s=draw.choice((0.0, 0.5, 3.0)),
        failures=draw.randint(0, retries) if retries else 0,
        cleanup_s=draw.uniform(0.0, 0.5),
        hooks_s=draw.choice((None, None, 0.05, 1.0, 3.0, 9.0)),
    )


@dataclass(slots=True)
class Files:
    """An attempt's files: the channel's records, and what was printed."""

    channel: bytearray = field(default_factory=bytearray)
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)

    def frame(self, pid: int, body: dict[str, Any]) -> None:
        """A frame as the keeper files it."""
        self.channel += records.encode(json.dumps(body).encode(), pid)


def cut(files: Files, draw: random.Random) -> None:
    """What a crash of the host leaves of an attempt's files: all but an end of some length."""
    for file in (files.channel, files.stdout, files.stderr):
        if file and draw.random() < 0.5:
            del file[draw.randint(0, len(file)) :]
