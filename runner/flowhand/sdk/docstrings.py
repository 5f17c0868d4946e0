"""What a docstring says about parameters, in the Google, NumPy and Sphinx styles."""

from __future__ import annotations

import inspect
import re
from typing import Final

_GOOGLE: Final = re.compile(r"^(Args|Arguments|Parameters|Params):\s*$")
_NUMPY: Final = re.compile(r"^Parameters\s*\n-{3,}\s*$", re.MULTILINE)
_SPHINX: Final = re.compile(r"^\s*:param\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*(?:\n(?!\s*:)[ \t]+\S.*)*)", re.MULTILINE)
_ITEM: Final = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_NUMPY_ITEM: Final = re.compile(r"^\*{0,2}(\w+)\s*(?::.*)?$")


def parameter_descriptions(docstring: str | None) -> dict[str, str]:
    """The description of each parameter that the docstring describes, on one line."""
    text = inspect.cleandoc(docstring or "")
    found = dict(_SPHINX.findall(text))
    if not found:
        found = _numpy(text) or _google(text)
    return {name: " ".join(words.split()) for name, words in found.items() if words.strip()}


def _google(text: str) -> dict[str, str]:
    lines = text.splitlines()
    start = next((index for index, line in enumerate(lines) if _GOOGLE.match(line)), None)
    return {} if start is None else _items(_section(lines[start + 1 :]), _ITEM)


def _numpy(text: str) -> dict[str, str]:
    header = _NUMPY.search(text)
    if header is None:
        return {}
    lines = text[header.end() :].strip("\n").splitlines()
    end = next((index for index, line in enumerate(lines) if re.match(r"^-{3,}\s*$", line)), len(lines) + 1)
    return _items(lines[: end - 1], _NUMPY_ITEM)


def _section(lines: list[str]) -> list[str]:
    """The indented block, dedented."""
    block: list[str] = []
    for line in lines:
        if line.strip() and not line[0].isspace():
            break
        block.append(line)
    return inspect.cleandoc("\n" + "\n".join(block)).splitlines()


def _items(lines: list[str], item: re.Pattern[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = None
    for line in lines:
        match = None if line[:1].isspace() else item.match(line)
        if match:
            name = match[1]
            found[name] = match[2] if item is _ITEM else ""
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found
