"""Placeholders in job templates: `{{ name }}` (contract 6.2, step 6). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w.\-\[\]$]+)\s*\}\}")
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
LEFT_ALONE: Final = ("$", "prefect.", "flowhand.", "ctx.")
"""How placeholders begin that somebody else fills in: the worker's environment, blocks and variables, the run's own names."""

NOT_SET: Final[Any] = object()


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """`template` with its placeholders replaced by `values`.

    A string that is one placeholder takes the value as it is, of any type; within a longer text it becomes text. What has no value is
    removed from its mapping or list, and is empty within a text.
    """
    filled = _fill(template, values)
    return None if filled is NOT_SET else filled


def _fill(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, str):
        return _fill_text(template, values)
    if isinstance(template, Mapping):
        items = ((key, _fill(value, values)) for key, value in cast("Mapping[str, Any]", template).items())
        return {key: value for key, value in items if value is not NOT_SET}
    if isinstance(template, list):
        return [value for value in (_fill(item, values) for item in cast("list[Any]", template)) if value is not NOT_SET]
    return template


def _fill_text(text: str, values: Mapping[str, Any]) -> Any:
    whole = _PLACEHOLDER.fullmatch(text.strip())
    if whole:
        name = whole.group(1)
        return text if name.startswith(LEFT_ALONE) else look_up(values, name)
    return _PLACEHOLDER.sub(lambda match: _as_text(match, values), text)


def _as_text(match: re.Match[str], values: Mapping[str, Any]) -> str:
    name = match.group(1)
    if name.startswith(LEFT_ALONE):
        return match.group(0)
    value = look_up(values, name)
    return "" if value is NOT_SET or value is None else str(value)


def look_up(values: Mapping[str, Any], path: str) -> Any:
    """The value at a path such as `a.b[0].c`, or NOT_SET. A key that has the whole path as its name wins."""
    if path in values:
        return values[path]
    found: Any = values
    for key, index in _STEP.findall(path):
        try:
            found = found[int(index)] if index else found[key]
        except (KeyError, IndexError, TypeError):
            return NOT_SET
    return found
