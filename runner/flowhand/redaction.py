"""Taking secrets out of text that leaves: whole texts, and streams in which a secret may be cut in two. Standard library only.

A secret is known in the forms in which it is written elsewhere: as it is, line by line when it has several, base64 (at each of the three
places that it can begin at), percent-escaped, and escaped as in JSON.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any, Final, cast
from urllib.parse import quote, quote_plus

MASK: Final = "********"
SHORTEST: Final = 4
"""Characters below which a text is no secret: masking every `a` would leave nothing to read."""
PIECE: Final = 8
"""Characters from which on a piece of a secret is masked where a line break has cut it off."""
_AROUND: Final = " \t\r'\"\\"
"""What stands beside a piece when text is wrapped, indented, or written as literals."""


class Redactor:
    """Knows secrets and masks them. May be asked by one thread at a time."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._bytes: re.Pattern[bytes] | None = None
        self._joined = ""
        self.longest = 0
        """Bytes of the longest form: a stream keeps back one less."""
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Masks these as well from now on. Idempotent."""
        found = {form for secret in secrets for form in forms_of(secret)} - self._forms
        if not found:
            return
        self._forms |= found
        ordered = sorted(self._forms, key=len, reverse=True)  # the longest first, so that no part of one stays
        self._pattern = re.compile("|".join(map(re.escape, ordered)))
        self._bytes = re.compile(b"|".join(re.escape(form.encode("utf-8", "surrogateescape")) for form in ordered))
        self._joined = "\n".join(ordered)
        self.longest = max(len(form.encode("utf-8", "surrogateescape")) for form in self._forms)

    def text(self, text: str) -> str:
        """The text without the secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def lines(self, text: str) -> str:
        """The text without the secrets, nor the pieces of them that stand at the end or the beginning of a line because one was cut there:
        `base64` breaks its lines, and so does `fold`.
        """
        text = self.text(text)
        return "\n".join(map(self._without_pieces, text.split("\n"))) if self._joined else text

    def deep(self, value: Any) -> Any:
        """`lines` in all texts of a JSON value, keys among them."""
        if isinstance(value, str):
            return self.lines(value)
        if isinstance(value, dict):
            return {self.lines(key): self.deep(item) for key, item in cast("dict[str, Any]", value).items()}
        if isinstance(value, list):
            return [self.deep(item) for item in cast("list[Any]", value)]
        return value

    def _without_pieces(self, line: str) -> str:
        body = line.strip(_AROUND)
        if len(body) < PIECE or (body[:PIECE] not in self._joined and body[-PIECE:] not in self._joined):
            return line  # nearly every line
        start = max((_at_beginning(form, body) for form in self._forms if body[:PIECE] in form), default=0)
        end = max((_at_end(form, body) for form in self._forms if body[-PIECE:] in form), default=0)
        before, after = line.split(body, 1)
        if start + end >= len(body):
            return before + MASK + after
        return before + MASK * bool(start) + body[start : len(body) - end] + MASK * bool(end) + after

    def data(self, data: bytes) -> bytes:
        """The same for bytes of UTF-8."""
        return self._bytes.sub(MASK.encode(), data) if self._bytes else data

    def cut(self, data: bytes, cut: int) -> int:
        """Where to cut `data` in two, at `cut` or before it, so that no secret is cut; behind one that fills all before it.

        Whoever masks the two parts then masks the whole. `data` must go on for `longest - 1` bytes after `cut`, unless that is its end.
        """
        for start, end in self.spans(data[: cut + max(self.longest - 1, 0)]):
            if start < cut < end:
                return start or end
        return cut

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where secrets stand."""
        return [match.span() for match in self._bytes.finditer(data)] if self._bytes else []


class RedactedStream:
    """A stream of bytes of which nothing is let out that may be the beginning of a secret."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What may go out by now; the rest is kept back, at most the longest secret's length less one, or a secret that is cut there."""
        held = self._held + data
        cut = max(len(held) - max(self._redactor.longest - 1, 0), 0)
        for start, end in self._redactor.spans(held):
            if start < cut < end:
                cut = end
        self._held = held[cut:]
        return self._redactor.data(held[:cut])

    def flush(self) -> bytes:
        """All that was kept back: at the stream's end, or when nothing more has come for a while."""
        held, self._held = self._held, b""
        return self._redactor.data(held)


def _at_beginning(form: str, line: str) -> int:
    """How much of the line's beginning is a form's end, or all of it a piece from within."""
    if line in form:
        return len(line)
    lengths = range(min(len(form), len(line)), PIECE - 1, -1)
    return next((length for length in lengths if line.startswith(form[-length:])), 0)


def _at_end(form: str, line: str) -> int:
    """How much of the line's end is a form's beginning."""
    lengths = range(min(len(form), len(line)), PIECE - 1, -1)
    return next((length for length in lengths if line.endswith(form[:length])), 0)


def forms_of(secret: str) -> set[str]:
    """The forms in which a secret may appear; none for one that is too short to be masked."""
    texts = {secret, secret.strip(), *(line.strip() for line in secret.splitlines())}
    forms: set[str] = set()
    for text in texts:
        if len(text) >= SHORTEST:
            forms |= {text, quote(text, safe=""), quote(text), quote_plus(text), _in_json(text), _in_json(text, ascii_only=False)}
            forms |= _in_base64(text.encode("utf-8", "surrogateescape"))
    return {form for form in forms if len(form) >= SHORTEST}


def _in_json(text: str, *, ascii_only: bool = True) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _in_base64(data: bytes) -> set[str]:
    """What of the base64 of any text with `data` in it depends on `data` alone, wherever in the text it stands."""
    found: set[str] = set()
    for before in range(3):
        text = base64.b64encode(bytes(before) + data).decode()
        whole = text[(0, 2, 3)[before] : len(text.rstrip("=")) - (1 if (before + len(data)) % 3 else 0)]
        if len(whole) >= 2 * SHORTEST:
            found |= {whole, whole.translate(_URL_SAFE)}
    return found


_URL_SAFE: Final = str.maketrans("+/", "-_")
