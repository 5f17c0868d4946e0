"""Bad input in one line: which field of what, and why."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pydantic import ValidationError


def unknown_field(what: str, given: str, known: Iterable[str]) -> str:
    """`an event trigger has no field 'expects', did you mean 'expect'?`."""
    names = list(known)
    near = difflib.get_close_matches(given, names, 1)
    return f"{what} has no field {given!r}" + (f", did you mean {near[0]!r}?" if near else f"; it has {', '.join(sorted(names))}")


def in_one_line(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    words = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {words}" if where else words
