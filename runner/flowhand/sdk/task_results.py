"""Which task run a value came from, so that what is made of it can be linked to that run."""

from __future__ import annotations

import sys
from typing import Any, Final
from weakref import ref

KEPT: Final = 1000
"""Values that are remembered of one flow run; the oldest is forgotten first."""
SMALL: Final = 1024
"""Bytes, and items, up to which a value that cannot be referred to weakly is held on to: no flow's memory grows by what is remembered."""
_NEVER: Final = (type(None), bool, type(...), type)
_SCALARS: Final = (int, float, str, bytes)


class TaskResults:
    """The values that the tasks of a flow run have answered, by identity: equal values of different tasks are not taken for each other."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, str]] = {}

    def remember(self, value: Any, task_run_id: str) -> None:
        """The value is this task run's. Does nothing for values that are the same object everywhere, such as None and small numbers."""
        held = _held(value)
        if held is None:
            return
        known = self._known
        known.pop(id(value), None)
        known[id(value)] = (held, task_run_id)
        if len(known) > KEPT:
            known.pop(next(iter(known)), None)

    def origin(self, value: Any) -> str | None:
        """The task run that answered this very object; None when none did, or that is forgotten."""
        held, task_run_id = self._known.get(id(value), (None, None))
        found = held() if isinstance(held, ref) else held[0] if held else None
        return task_run_id if found is value else None


def _held(value: Any) -> ref[Any] | tuple[Any] | None:
    """What keeps track of the object: a weak reference, else, for a small one, itself."""
    if isinstance(value, _NEVER) or (isinstance(value, int) and -5 <= value <= 256):
        return None
    if isinstance(value, _SCALARS):
        return (value,) if sys.getsizeof(value) <= SMALL else None
    try:
        return ref(value)
    except TypeError:
        return (value,) if _is_small(value) else None


def _is_small(value: Any) -> bool:
    if not isinstance(value, list | tuple | dict | set | frozenset) or len(value) > SMALL // 8:
        return False
    items = [*value, *value.values()] if isinstance(value, dict) else value
    return all(isinstance(item, (*_SCALARS, type(None))) and sys.getsizeof(item) <= SMALL // 8 for item in items)
