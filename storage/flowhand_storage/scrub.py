"""Text without credentials. What leaves this package, in an error or a log line, has been through here."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote

MASK = "***"
_SHORTEST = 4
_USERINFO = re.compile(r"(?<=://)[^/\s'\"]*@")
_SENSITIVE = re.compile(
    r"pass(word|phrase|wd)?$|secret|token|private|credential|authorization|signature|connection_?string|^sas|^sig$"
    r"|(^|[_-]|api|access|account)key$|(^|[_-])(pat|jwt|cookie|bearer)$|[_-]pwd$",
    re.IGNORECASE,
)


class Redactor(Protocol):
    """Whoever knows which texts are secret. Ours is `Scrubber`; the process that runs steps may hand in its own."""

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        ...


class Scrubber:
    """Replaces the secrets it was told of, in every form in which they travel, and the user part of any address."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Learn more secrets. Ones shorter than four characters are not looked for: they are part of too many words."""
        for secret in secrets:
            data = secret.encode(errors="replace")
            forms = {secret, quote(data, safe=""), quote(data), base64.b64encode(data).decode()}
            self._forms.update(form for form in forms if len(form) >= _SHORTEST and len(secret) >= _SHORTEST)
            if len(lines := secret.split("\n")) > 1:
                self.add(*(line.strip() for line in lines if len(line) > 2 * _SHORTEST))

    def knows(self, secret: str) -> bool:
        """Whether it was told of this one."""
        return secret in self._forms

    def __call__(self, text: str) -> str:
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, MASK)
        return _USERINFO.sub(MASK + "@", text)


def without_userinfo(text: str) -> str:
    """An address that may be malformed, without all that stands between `://` and its last `@`."""
    return re.sub(r"://.*@", f"://{MASK}@", text, flags=re.DOTALL)


def without_credentials(text: str) -> str:
    """The same, and without its query, which may hold a signature. A text without an address stays as it is."""
    return re.sub(r"(://[^?]*)\?.*", rf"\1?{MASK}", without_userinfo(text), flags=re.DOTALL)


def is_sensitive(name: str) -> bool:
    """Whether an option of this name usually holds a secret."""
    return _SENSITIVE.search(name) is not None
