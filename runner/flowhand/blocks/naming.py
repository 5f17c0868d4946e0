"""What a block type is called, from its class: slug, description, example."""

from __future__ import annotations

import inspect
import re
import unicodedata

_SECTION = re.compile(r"^(Args|Arguments|Attributes|Example|Examples|Raises|Returns|Note|Notes|Yields|Methods):\s*$", re.MULTILINE)
_EXAMPLES = ("Example", "Examples")


def slug_of(name: str) -> str:
    """`Local File System` is `local-file-system`, `MyBlock` is `myblock` (contract 9)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def description_in(docstring: str | None) -> str | None:
    """The text of a docstring before its first section (`Attributes:` and the like); None for none."""
    if not docstring:
        return None
    return _SECTION.split(inspect.cleandoc(docstring), maxsplit=1)[0].strip() or None


def example_in(docstring: str | None) -> str | None:
    """The text of a docstring's example section; None for none."""
    if not docstring:
        return None
    _, *sections = _SECTION.split(inspect.cleandoc(docstring))
    found = next((text for title, text in zip(sections[::2], sections[1::2], strict=True) if title in _EXAMPLES), None)
    return inspect.cleandoc(found).strip() or None if found else None
