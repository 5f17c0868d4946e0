"""Which of a file's deployments are meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Protocol

from flowhand.deployments.deploy_report import say
from flowhand.deployments.projects.project_file import Entry, ProjectFile
from flowhand.errors import ConfigurationError


class Asker(Protocol):
    """Somebody to ask."""

    def choose(self, question: str, choices: Sequence[str]) -> int:
        """The number of the choice taken, from 0."""
        ...


def select(file: ProjectFile, names: Sequence[str], every: bool, entrypoint: str | None, asker: Asker | None) -> list[Entry]:
    """The deployments; an empty one when none of the file's is meant. ConfigurationError when it cannot be told, or a name is in vain."""
    if every and names:
        raise ConfigurationError("--all and --name were both given; give one of them")
    if names:
        return _named(file, names, entrypoint)
    if every and entrypoint is None:
        return _all(file)
    if entrypoint is not None and len(file.entries) > 1:
        fitting = [entry for entry in file.entries if entry.given.get("entrypoint") == entrypoint]
        return _one_of(file, fitting, asker) if fitting else [Entry({})]
    return _one_of(file, file.entries, asker) if file.entries else [Entry({})]


def _all(file: ProjectFile) -> list[Entry]:
    if not file.entries:
        raise ConfigurationError(f"there are no deployments in {file.path or 'this folder'}; `flowhand init` begins a project file")
    for entry in file.entries:
        if not entry.name:
            raise entry.error("the deployment has no name; --all deploys those that have one")
    return file.entries


def _one_of(file: ProjectFile, entries: Sequence[Entry], asker: Asker | None) -> list[Entry]:
    if len(entries) == 1:
        return [entries[0]]
    labels = [f"{entry.name or '(no name)'}  {entry.given.get('entrypoint') or ''}" for entry in entries]
    if asker is None:
        known = ", ".join(str(entry.name) for entry in entries)
        raise ConfigurationError(f"{file.path} has several deployments: {known}; say which with --name, or --all")
    return [entries[asker.choose("Which deployment?", labels)]]


def _named(file: ProjectFile, names: Sequence[str], entrypoint: str | None) -> list[Entry]:
    found: list[Entry] = []
    for name in names:
        fitting = [entry for entry in file.entries if _fits(entry, name)]
        if not fitting and len(names) == 1 and "*" not in name:
            fitting = [_under_another_name(file, name, entrypoint)]
        if not fitting:
            raise _unknown(file, name)
        found += [entry for entry in fitting if entry not in found]
    return found


def _under_another_name(file: ProjectFile, name: str, entrypoint: str | None) -> Entry:
    """The file's only deployment serves for any name; with an entrypoint, a new one can be made of nothing."""
    if len(file.entries) == 1:
        say(f"{file.path} has no deployment {name!r}; its only one, {file.entries[0].name!r}, is deployed under that name")
        return Entry(file.entries[0].given | {"name": name.rpartition("/")[2]}, file.entries[0].file, file.entries[0].place)
    if entrypoint is None and file.entries:
        raise _unknown(file, name)
    return Entry({"name": name.rpartition("/")[2]})


def _unknown(file: ProjectFile, name: str) -> ConfigurationError:
    known = [str(entry.name) for entry in file.entries]
    near = difflib.get_close_matches(name.rpartition("/")[2], known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known) or 'none'}"
    return ConfigurationError(f"{file.path or 'this folder'} has no deployment {name!r}; {hint}")


def _fits(entry: Entry, pattern: str) -> bool:
    """`name`, or `flow/name`; a star stands for anything. The flow is named as its function is, with `-` for `_`."""
    flow, slash, name = pattern.rpartition("/")
    function = str(entry.given.get("entrypoint") or "").rpartition(":")[2].rpartition(".")[2].replace("_", "-")
    return fnmatchcase(str(entry.name), name) and (not slash or fnmatchcase(function, flow.replace("_", "-")))
