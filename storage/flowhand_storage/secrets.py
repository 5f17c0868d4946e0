"""Secrets come as plain text, as pydantic's secret types, or as blocks of their own; told apart by what they can do, not by their class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def reveal(value: Any) -> Any:
    """The value behind a secret; anything else as it is."""
    if hasattr(value, "get_secret_value"):
        return value.get_secret_value()
    if is_secret_block(value):
        return reveal(value.get())
    return value


def is_secret_block(value: Any) -> bool:
    """Whether `value` is a block that holds one secret: it has a block's name, and `get` without arguments."""
    return hasattr(value, "_block_document_name") and callable(getattr(value, "get", None)) and not isinstance(value, Mapping)


def reveal_all(value: Any) -> Any:
    """`reveal` in all of a structure of mappings and lists."""
    value = reveal(value)
    if isinstance(value, Mapping):
        return {key: reveal_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [reveal_all(item) for item in value]
    return value


def texts_in(value: Any) -> list[str]:
    """Every text in a structure of mappings and lists, in no promised order."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in texts_in(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts_in(item)]
    return []
