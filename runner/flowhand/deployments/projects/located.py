"""YAML with the lines that its keys stand on, so that whoever wrote a mistake is told where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from flowhand.errors import ProjectError

_MOST_KEYS: Final = 20_000
_DEEPEST: Final = 50
"""Aliases of aliases can make a small file endless."""

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """A file's data, and the line of each key and item in it by the way to it."""

    path: Path
    data: Any
    lines: dict[Place, int]

    def where(self, *place: str | int) -> str:
        """`file:line` of what stands there, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return f"{self.path}:{self.lines.get(place, 1)}"


def read_yaml(path: Path) -> Located:
    """One document. ProjectError with the line for what is no YAML: tabs, a key given twice, a template without quotes."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: byte {error.start} is no UTF-8") from None


def parse_yaml(text: str, path: Path) -> Located:
    """The same for text that came from `path`."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Place, int] = {(): 1}
        if node is not None:
            _check_keys(node, path, set())
            for place, line in _walk(node, ()):
                lines.setdefault(place, line)
                if len(lines) > _MOST_KEYS or len(place) > _DEEPEST:
                    raise ProjectError(f"{path}:{line}: too many keys, or too deep; do aliases stand in each other?")
        return Located(path, loader.construct_document(node) if node is not None else None, lines)
    except yaml.MarkedYAMLError as error:
        raise _translated(error, path) from None
    except yaml.reader.ReaderError as error:
        raise ProjectError(f"{path}: {error.reason} at character {error.position}") from None
    finally:
        loader.dispose()


def _check_keys(node: yaml.Node, path: Path, seen: set[int]) -> None:
    """No mapping has a key twice: the first one would be lost without a word."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item, path, seen)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and name != "<<" and name in lines:
                raise ProjectError(f"{path}:{line}: {name} stands here and in line {lines[name]}; one of them must go")
            lines[name] = line
            _check_keys(value, path, seen)


def _walk(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield (*place, number), item.start_mark.line + 1
            yield from _walk(item, (*place, number))
    if isinstance(node, yaml.MappingNode):
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.value == "<<":
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif isinstance(key, yaml.ScalarNode):
                yield (*place, str(key.value)), key.start_mark.line + 1
                yield from _walk(value, (*place, str(key.value)))
        for one in merged:  # after its own keys, which win
            yield from _walk(one, place)


def _translated(error: yaml.MarkedYAMLError, path: Path) -> ProjectError:
    mark = error.problem_mark or error.context_mark
    where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
    problem = error.problem or "is no YAML"
    if "'\\t'" in problem:
        return ProjectError(f"{where}: there is a tab; YAML is indented with spaces")
    if "unhashable key" in problem:
        return ProjectError(f'{where}: a mapping cannot be a key; put templates in quotes: "{{{{ name }}}}"')
    return ProjectError(f"{where}: {problem}{f' ({error.context})' if error.context else ''}")
