"""Ignore files: which files of a folder are not code. gitignore syntax (gitignore(5)), matched by pathspec."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flowhand_storage.errors import InvalidSource

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".flowhandignore", ".prefectignore")
"""The names looked for, in order; the first that exists is used alone."""


class IgnoreRules:
    """Which paths are left out. Without rules nothing is."""

    def __init__(self, text: str = "", *, where: str = "the ignore rules") -> None:
        """Errors: InvalidSource names `where` and the line that is no pattern."""
        self._spec = _parse(text, where) if text.strip() else None

    def ignores(self, name: str, *, is_folder: bool = False) -> bool:
        """Whether `name`, relative to the folder and with `/` between its parts, is left out."""
        if self._spec is None:
            return False
        return self._spec.match_file(name + "/" if is_folder else name)


def find_rules(folder: Path, explicit: Path | None = None) -> IgnoreRules:
    """The rules of `explicit` when given (InvalidSource when it cannot be read), else of the folder's own ignore file, else none."""
    if explicit is not None:
        return _read(explicit)
    for name in IGNORE_FILES:
        if (folder / name).is_file():
            return _read(folder / name)
    return IgnoreRules()


def kept_files(folder: Path, rules: IgnoreRules) -> Iterator[str]:
    """The files below `folder` that the rules keep, as sorted relative names. Ignored folders are not entered; links are not followed."""
    yield from _kept(folder, "", rules)


def _kept(folder: Path, prefix: str, rules: IgnoreRules) -> Iterator[str]:
    for entry in sorted(folder.iterdir()):
        name = prefix + entry.name
        is_folder = entry.is_dir() and not entry.is_symlink()
        if rules.ignores(name, is_folder=is_folder):
            continue
        if is_folder:
            yield from _kept(entry, name + "/", rules)
        else:
            yield name


def _read(path: Path) -> IgnoreRules:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSource(f"the ignore file {path} cannot be read: {error}") from None
    return IgnoreRules(text, where=str(path))


def _parse(text: str, where: str) -> GitIgnoreSpec:
    # Half of the users have no ignore file, and a run's start should not wait for the import.
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec([])
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            spec += GitIgnoreSpec.from_lines([line])
        except (ValueError, re.error):
            raise InvalidSource(f"{where}, line {number}: {line!r} is no gitignore pattern") from None
    return spec
