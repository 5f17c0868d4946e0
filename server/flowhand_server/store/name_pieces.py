"""Names as pieces of three letters: those that a name has, and those that it must have to be like a text.

Letters that any database takes for the same are one letter here. More may be: the index finds runs that may fit, and the row decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

LETTERS: Final = 3
MOST_ASKED: Final = 6
"""Pieces of a text that are looked for. Few names have these and not the others."""

_APART: Final = re.compile("[%_\\\\\u0307]+")
"""What stands for something else: wildcards, PostgreSQL's escape, and the dot that some databases make of the capital dotted i."""


def pieces_of(name: str) -> set[str]:
    """Every three letters of a name that stand side by side."""
    letters = _folded(name)
    return {letters[place : place + LETTERS] for place in range(len(letters) - LETTERS + 1)}


def pieces_asked(text: str) -> list[str]:
    """What every name has that is like `%text%`, or a part of it. Empty where nothing can be said."""
    # SQLite reads a pattern up to a NUL, and PostgreSQL takes none
    runs = _APART.split(_folded(text.partition("\0")[0]))
    found = [run[place : place + LETTERS] for run in runs for place in range(len(run) - LETTERS + 1)]
    return _spread(list(dict.fromkeys(found)))


def _spread(pieces: Sequence[str]) -> list[str]:
    """A few of them, the first and the last among these: neighbours have two letters in common."""
    if len(pieces) <= MOST_ASKED:
        return list(pieces)
    return [pieces[number * (len(pieces) - 1) // (MOST_ASKED - 1)] for number in range(MOST_ASKED)]


def _folded(text: str) -> str:
    """The text, letter by letter, without upper and lower case."""
    return text.lower() if text.isascii() else "".join(map(_letter, text))


def _letter(letter: str) -> str:
    """One for all that any locale's lower case makes one of: by way of the capital, as the dotless i and the long s have common ones."""
    upper = letter.upper()
    return (upper if len(upper) == 1 else letter).lower()[0]
