"""A build as it goes: its events become a line on the terminal, and the words of the error when a step fails."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from flowhand.errors import ImageBuildError

_STEP: Final = re.compile(r"Step (\d+/\d+) : (.*)")
_NOISE: Final = ("--->", "Removing intermediate container", "Successfully ")
_KEPT_LINES: Final = 30
_LONGEST: Final = 200

Say = Callable[[str], None]


class Build:
    """What a build has said so far."""

    def __init__(self, reference: str, say: Say, clean: Callable[[str], str]) -> None:
        self._reference, self._say, self._clean = reference, say, clean
        self._step = ""
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._rest = ""

    def follow(self, events: Iterable[Mapping[str, Any]]) -> None:
        """To the end of the build. ImageBuildError with the failing step and the end of its output."""
        for event in events:
            if "error" in event:
                raise self.failed(str(event["error"]))
            if "stream" in event:
                self._hear(str(event["stream"]))
            elif "status" in event and "progressDetail" not in event:  # of pulling the base: its layers' progress is noise here
                self._say(str(event["status"]))

    def failed(self, reason: str) -> ImageBuildError:
        """The error for a build that ended for this reason."""
        where = f" at step {self._step}" if self._step else ""
        output = "".join(f"\n  {line}" for line in (*self._lines, self._rest) if line.strip())
        return ImageBuildError(self._clean(f"building image {self._reference} failed{where}: {reason.strip()}{output}"))

    def _hear(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line.rstrip("\r"))

    def _line(self, line: str) -> None:
        step = _STEP.match(line)
        if step:
            self._step = f"{step[1]} ({step[2][:_LONGEST]})"
            self._lines.clear()
            self._say(self._clean(line[:_LONGEST]))
        elif line.strip() and not line.strip().startswith(_NOISE):
            self._lines.append(line)
