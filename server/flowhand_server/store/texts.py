"""Text as every database can store it."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text without NUL characters, which PostgreSQL does not store: each becomes the symbol for it."""
    return text.replace("\x00", "\u2400") if "\x00" in text else text
