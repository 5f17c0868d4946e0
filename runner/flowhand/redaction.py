"""Taking secrets out of text that leaves: whole texts, and streams in which a secret may be cut in two. Standard library only.

A secret is known in the forms in which it is written elsewhere: as it is, line by line when it has several, base64 (at each of the three
places that it can begin at), percent-escaped, and escaped as in JSON.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast
from urllib.parse import quote, quote_plus

from flowhand.broken_secrets import AROUND, BrokenSecrets

MASK: Final = "********"
SHORTEST: Final = 4
"""Characters below which a text is no secret: masking every `a` would leave nothing to read."""


class Redactor:
    """Knows secrets and masks them. May be asked by one thread at a time."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._bytes: re.Pattern[bytes] | None = None
        self._broken: BrokenSecrets | None = None
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
        self._broken = None
        self.longest = max(len(form.encode("utf-8", "surrogateescape")) for form in self._forms)

    def text(self, text: str) -> str:
        """The text without the secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def lines(self, texts: Sequence[str], before: str = "") -> list[str]:
        """The same number of texts, which are lines that follow one another upon `before`, without secrets, whole or cut by line breaks.

        A secret of eight characters or more is masked on all of these lines that it lies across. What else stands beside a line break is
        masked when it is a piece of a secret, of sixteen characters or more, and the break fell within a word.
        """
        if not self._pattern:
            return list(texts)
        broken = self._pieces()
        return [broken.alone(self.text(text), cut_around=True) for text in broken.across((before, *texts))[1:]]

    def deep(self, value: Any) -> Any:
        """No secrets in all texts of a JSON value, keys among them. Only where line breaks stand in a text, secrets may be cut by them."""
        if isinstance(value, str):
            return self.text(value) if "\n" not in value or not self._pattern else self._wrapped(value)
        if isinstance(value, dict):
            return {self.deep(key): self.deep(item) for key, item in cast("dict[str, Any]", value).items()}
        if isinstance(value, list):
            return [self.deep(item) for item in cast("list[Any]", value)]
        return value

    def _wrapped(self, text: str) -> str:
        broken = self._pieces()
        return broken.alone(self.text(broken.across([text])[0]), cut_around=False)

    def _pieces(self) -> BrokenSecrets:
        if self._broken is None:
            self._broken = BrokenSecrets(self._forms, MASK)
        return self._broken

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


def forms_of(secret: str) -> set[str]:
    """The forms in which a secret may appear; none for one that is too short to be masked."""
    texts = {secret, secret.strip(), secret.strip(AROUND), *(line.strip() for line in secret.splitlines())}
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
