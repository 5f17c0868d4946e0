"""Masking: what a called flow tells the API is told without the secrets that its process knows. What it prints is the terminal's matter."""

from __future__ import annotations

import threading
from dataclasses import replace

from flowhand.adhoc.outbox import Item, Line
from flowhand.redaction import Redactor
from flowhand.sdk.secrets import KNOWN


class Masking:
    """Of one process. May be asked by any thread."""

    def __init__(self) -> None:
        self._redactor = Redactor()
        self._learned = 0
        self._last = ""
        """The last line, unmasked: a secret may go on in the next one."""
        self._lock = threading.Lock()

    def of(self, item: Item) -> Item:
        """The same line or state without secrets."""
        if not KNOWN:
            return item
        with self._lock:
            if len(KNOWN) != self._learned:
                self._learned = len(KNOWN)
                self._redactor.add(tuple(KNOWN))  # another thread may add to it meanwhile
            if isinstance(item, Line):
                before, self._last = self._last, item.message
                return replace(item, message=self._redactor.lines([item.message], before)[0])
            return replace(item, fields=self._redactor.deep(item.fields))
