"""Secrets that line breaks have cut: `base64` and `fold` break what they write, and a flow may print one in two. Standard library only.

Lines that are known together are read as if no break stood between them, and a secret that lies across a break is masked on each of its
lines, however short the pieces are. When the neighbouring line is not there, a piece counts if it is long and the break fell within a word
of the secret: nobody writes such a piece for its own sake, while `production` or `db.example.com` may well stand in a secret as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

SHORTEST: Final = 8
"""Characters below which a secret is not looked for across line breaks: too many ends and beginnings of lines make up so few."""
ALONE: Final = 16
"""Characters from which on a piece is masked without its neighbour."""
AROUND: Final = " \t\r\n'\"\\"
"""What stands beside a piece when text is wrapped, indented, or written as literals."""
_SQUEEZE: Final = {ord(character): None for character in AROUND}
_GRAM: Final = 4
"""Characters that are looked up to pass over nearly every line at once: a secret that is cut somewhere has so many around the cut."""
_SIDE: Final = _GRAM - 1
_END: Final = 8
"""Characters of a line's end that nearly always hold `_SIDE` to look up."""


class BrokenSecrets:
    """Masks pieces of these forms of secrets. May be asked by one thread at a time."""

    def __init__(self, forms: Iterable[str], mask: str) -> None:
        self._forms = [form for form in forms if len(form) >= SHORTEST]
        self._mask = mask
        squeezed = {form.translate(_SQUEEZE) for form in self._forms}
        self._squeezed = sorted((form for form in squeezed if len(form) >= SHORTEST), key=len, reverse=True)
        self._grams = {form[at : at + _GRAM] for form in squeezed.union(self._forms) for at in range(len(form) - _GRAM + 1)}
        self._pattern: re.Pattern[str] | None = None

    def across(self, texts: Sequence[str]) -> list[str]:
        """The same number of texts, which follow one another, without the secrets that lie across a line break in one or between two."""
        lines = "\n".join(texts).split("\n")
        if len(lines) < 2 or not self._suspicious(lines):
            return list(texts)  # nearly always
        told = iter(self._mended(lines))
        return ["\n".join(islice(told, text.count("\n") + 1)) for text in texts]

    def alone(self, text: str, *, cut_around: bool) -> str:
        """The text without long pieces of secrets beside its line breaks. `cut_around`: it begins and ends at line breaks, too."""
        if "\n" not in text:
            return self._alone(text, before=cut_around, after=cut_around)
        lines = text.split("\n")
        last = len(lines) - 1
        return "\n".join(self._alone(line, before=cut_around or at > 0, after=cut_around or at < last) for at, line in enumerate(lines))

    def _suspicious(self, lines: Iterable[str]) -> bool:
        """Whether the three characters before a line break and the three behind it hold four that stand together in a secret."""
        grams, before = self._grams, ""
        for line in lines:
            first, last = line[:_SIDE], line[-_SIDE:]
            behind = first if first.isalnum() else _squeezed(line, line[:_END])[:_SIDE]
            if before and behind:
                seam = before + behind
                if seam[:4] in grams or seam[1:5] in grams or seam[2:] in grams:
                    return True
            before = (before + (last if last.isalnum() else _squeezed(line, line[-_END:])))[-_SIDE:]
        return False

    def _mended(self, lines: list[str]) -> list[str]:
        if self._pattern is None:
            self._pattern = re.compile("|".join(map(re.escape, self._squeezed)))
        text = "\n".join(lines)
        found = [match.span() for match in self._pattern.finditer(text.translate(_SQUEEZE))]
        if not found:
            return lines
        places = [at for at, character in enumerate(text) if ord(character) not in _SQUEEZE]
        parts: list[str] = []
        done = 0
        for first, behind in found:
            start, stop = places[first], places[behind - 1] + 1
            if "\n" in text[start:stop]:
                pieces = text[start:stop].split("\n")
                parts += text[done:start], "\n".join(_replaced(piece, piece.strip(AROUND), self._mask) for piece in pieces)
                done = stop
        return "".join((*parts, text[done:])).split("\n")

    def _alone(self, line: str, *, before: bool, after: bool) -> str:
        if len(line) < ALONE:
            return line
        body = line.strip(AROUND)
        if len(body) < ALONE or (body[:_GRAM] not in self._grams and body[-_GRAM:] not in self._grams):
            return line  # nearly every line
        start = max((_at_beginning(form, body, after=after) for form in self._forms), default=0) if before else 0
        end = max((_at_end(form, body, before=before) for form in self._forms), default=0) if after else 0
        if start + end >= len(body):
            return _replaced(line, body, self._mask)
        inner = self._mask * bool(start) + body[start : len(body) - end] + self._mask * bool(end)
        return _replaced(line, body, inner)


def _squeezed(line: str, end: str) -> str:
    """An end of a line without what may stand beside a piece, and all of the line where that end is too short then."""
    squeezed = end.translate(_SQUEEZE)
    return squeezed if len(squeezed) >= _SIDE or len(line) <= _END else line.translate(_SQUEEZE)


def _replaced(line: str, body: str, by: str) -> str:
    """The line with something else in place of its body."""
    if not body:
        return line
    at = line.index(body)
    return line[:at] + by + line[at + len(body) :]


def _at_beginning(form: str, body: str, *, after: bool) -> int:
    """How much of the line's beginning is a piece of the form: the form's end, or all of the line from within."""
    for at in _places(form, body[:ALONE]):
        if form.startswith(body, at) and (_in_word(form, at) or (after and _in_word(form, at + len(body)))):
            return len(body)
        if _in_word(form, at) and body.startswith(form[at:]):
            return len(form) - at
    return 0


def _at_end(form: str, body: str, *, before: bool) -> int:
    """How much of the line's end is a piece of the form: the form's beginning, or all of the line from within."""
    for at in _places(form, body[-ALONE:]):
        stop = at + ALONE
        if form.endswith(body, 0, stop) and (_in_word(form, stop) or (before and _in_word(form, stop - len(body)))):
            return len(body)
        if _in_word(form, stop) and body.endswith(form[:stop]):
            return stop
    return 0


def _places(form: str, piece: str) -> Iterator[int]:
    at = form.find(piece)
    while at >= 0:
        yield at
        at = form.find(piece, at + 1)


def _in_word(form: str, at: int) -> bool:
    """Whether a cut there parts two letters or digits."""
    return 0 < at < len(form) and form[at - 1].isalnum() and form[at].isalnum()
