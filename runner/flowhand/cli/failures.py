"""How a command ends: exit codes for scripts, one line for people.

| code | means |
| --- | --- |
| 0 | done |
| 1 | the thing asked for failed: a watched run did not complete, the API refused |
| 2 | wrong usage or configuration, credentials included |
| 3 | the API cannot be reached |
| 4 | there is no such thing |
| 130 | interrupted by Ctrl-C |
"""

from __future__ import annotations

import sys
from enum import IntEnum

from flowhand.errors import ApiUnavailable, ConfigurationError, FlowhandError, ObjectNotFound, ServerUnusable, Unauthorized


class Exit(IntEnum):
    """The exit codes."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    INTERRUPTED = 130


def exit_code(error: FlowhandError) -> Exit:
    """The code that an error ends a command with."""
    match error:
        case ObjectNotFound():
            return Exit.NOT_FOUND
        case ConfigurationError() | Unauthorized():
            return Exit.USAGE
        case ApiUnavailable() | ServerUnusable():
            return Exit.UNREACHABLE
        case _:
            return Exit.FAILED


def complain(line: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"error: {line}\n")
