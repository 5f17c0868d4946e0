"""Which slots became free, told apart by what they are of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

KEPT: Final = 10_000
"""Things that are told apart. Deployments come and go as long as a server lives."""


@dataclass(slots=True)
class Frees:
    """Counts freed slots, so that a look can tell afterwards whether it missed one that it waits for."""

    count: int = 0
    """How many so far, of whatever."""
    _last: dict[str, int] = field(default_factory=dict[str, int])
    """By the id of a limit, pool, queue or deployment: what `count` was when a slot of it became free last."""
    _forgotten: int = 0
    """What `count` was when `_last` was emptied last: of what was before, anything may have become free."""

    def note(self, ids: Iterable[str]) -> None:
        """A slot became free of each of these."""
        self.count += 1
        self._last.update(dict.fromkeys(ids, self.count))
        if len(self._last) > KEPT:
            self._last.clear()
            self._forgotten = self.count

    def since(self, mark: int, ids: Iterable[str]) -> bool:
        """Whether a slot became free of any of these after `count` was `mark`; also where that is not known any more."""
        return mark < self._forgotten or any(self._last.get(key, 0) > mark for key in ids)
