"""Secret values inside a block's data: hidden where they are shown, kept where the hidden form comes back. Pure (contract 9).

`paths` is a schema's `secret_fields`: dotted paths, in which `*` stands for everything below. A list is passed through: the path goes on in
each of its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flowhand.wire.blocks import OBFUSCATED


def hidden(data: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The data with its secret values replaced by asterisks; null stays null."""
    shown = dict(data)
    for path in paths:
        shown = _hide(shown, path.split("."))
    return shown


def _hide(value: Any, path: list[str]) -> Any:
    if not path or path[0] == "*":
        return _hide_all(value)
    if isinstance(value, list):
        return [_hide(part, path) for part in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    return {key: _hide(part, path[1:]) if key == path[0] else part for key, part in value.items()}


def _hide_all(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _hide_all(part) for key, part in value.items()}
    return None if value is None else OBFUSCATED


def merged(old: Mapping[str, Any], new: Mapping[str, Any], paths: Iterable[str], *, keep_others: bool) -> dict[str, Any]:
    """`new` laid over `old`. A secret that comes back in its hidden form is the old one; `keep_others` keeps fields that are not named."""
    shown = hidden(old, paths)
    result = dict(old) if keep_others else {}
    for key, value in new.items():
        result[key] = _restored(value, shown.get(key), old.get(key))
    return result


def _restored(value: Any, shown: Any, old: Any) -> Any:
    if value == OBFUSCATED and shown == OBFUSCATED:
        return old
    if isinstance(value, Mapping) and isinstance(shown, Mapping) and isinstance(old, Mapping):
        return {key: _restored(part, shown.get(key), old.get(key)) for key, part in value.items()}
    if isinstance(value, list) and isinstance(shown, list) and isinstance(old, list) and len(value) == len(shown):
        return [_restored(part, form, kept) for part, form, kept in zip(value, shown, old, strict=True)]
    return value
