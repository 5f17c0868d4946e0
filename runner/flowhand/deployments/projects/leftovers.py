"""Templates that nothing has filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_LEFT: Final = re.compile(r"\{\{\s*(?!ctx\.)([\w.\-\[\]$/]+)\s*\}\}")
"""What begins with `ctx.` is filled in when a run begins."""


def without_leftovers(value: Any, names: set[str]) -> Any:
    """`value` without templates: a key or item that was one is gone, inside of a text nothing stands in its place. `names` gets them."""
    if isinstance(value, str):
        names |= set(_LEFT.findall(value))
        return _LEFT.sub("", value)
    if isinstance(value, Mapping):
        return {key: without_leftovers(item, names) for key, item in value.items() if not _is_one(item, names)}
    if isinstance(value, list):
        return [without_leftovers(item, names) for item in value if not _is_one(item, names)]
    return value


def _is_one(value: Any, names: set[str]) -> bool:
    found = _LEFT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        names.add(found[1])
    return found is not None
