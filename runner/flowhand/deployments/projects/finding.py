"""The flows that are written in a folder, found without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SKIPPED: Final = frozenset({"node_modules", "site-packages", "__pycache__"})
_MOST_FILES: Final = 2000


def flows_in(folder: Path) -> list[str]:
    """Their entrypoints, in order. Files that are no Python are passed over."""
    return [f"{path.relative_to(folder).as_posix()}:{name}" for path in _files(folder) for name in _flows(path)]


def _files(folder: Path) -> Iterator[Path]:
    seen = 0
    waiting = [folder]
    while waiting and seen < _MOST_FILES:
        current = waiting.pop()
        for path in sorted(current.iterdir()):
            if path.is_dir() and not path.is_symlink():
                if not path.name.startswith(".") and path.name not in _SKIPPED and not (path / "pyvenv.cfg").exists():
                    waiting.append(path)
            elif path.suffix == ".py":
                seen += 1
                yield path


def _flows(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(_is_flow(one) for one in node.decorator_list):
            yield node.name


def _is_flow(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(called, ast.Name) and called.id == "flow") or (isinstance(called, ast.Attribute) and called.attr == "flow")
