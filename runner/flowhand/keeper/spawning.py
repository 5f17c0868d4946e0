"""Whether a job can run in a fork of the warm image, or must be executed afresh; and why.

Variables that an interpreter, the loader or libc read once at their start cannot be changed by a fork; a module that is loaded already
cannot be replaced by the one a checkout brings.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from flowhand.keeper.protocol import Refused

_READ_AT_START: Final = ("PYTHON", "LD_", "MALLOC_", "LC_")
_ALSO_READ_AT_START: Final = frozenset({"LANG", "GLIBC_TUNABLES"})
_REMEMBERED: Final = 256
"""Folders whose answer is remembered at most."""


class Plan(NamedTuple):
    """`argv` None: fork. Else fork and execute, because of `why`."""

    argv: list[str] | None
    why: str | None


class Planner:
    """Made once the warm image is complete: `preloaded` is what it has loaded."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._preloaded = _replaceable_modules()
        self._shadows: dict[str, tuple[int, str | None]] = {}

    def plan(self, job: dict[str, Any]) -> Plan:
        """How to start the job. Refused when its command or interpreter is not there."""
        if job["command"]:
            return Plan(_found(list(job["command"]), job), "it has its own command")
        why = self._why_not_forked(job)
        if why is None:
            return Plan(None, None)
        return Plan(_found([job["python"] or sys.executable, "-P", "-m", "flowhand.child"], job), why)

    def _why_not_forked(self, job: dict[str, Any]) -> str | None:
        if job["python"] and job["python"] != sys.executable:
            return f"it has its own interpreter, {job['python']}"
        for name, value in job["env"].items():
            if (name.startswith(_READ_AT_START) or name in _ALSO_READ_AT_START) and value != self._environ.get(name):
                return f"it sets {name}, which is read when an interpreter starts"
        for folder in _folders(job):
            shadowed = self._shadowed(folder)
            if shadowed:
                return f"{shadowed} in {folder} replaces a module that is loaded already"
        return None

    def _shadowed(self, folder: str) -> str | None:
        try:
            changed = Path(folder).stat().st_mtime_ns
            known = self._shadows.get(folder)
            if known is None or known[0] != changed:
                if len(self._shadows) >= _REMEMBERED:
                    self._shadows.clear()
                known = self._shadows[folder] = changed, self._look_through(folder)
        except OSError:
            return None  # the child says, in its own words, that it cannot enter its folder
        return known[1]

    def _look_through(self, folder: str) -> str | None:
        with os.scandir(folder) as entries:
            for entry in entries:
                name, _, rest = entry.name.partition(".")
                if name not in self._preloaded:
                    continue
                if rest == "py" or rest.endswith("so") or (not rest and Path(entry.path, "__init__.py").exists()):
                    return entry.name
        return None


def _replaceable_modules() -> frozenset[str]:
    """Top-level loaded modules that a folder at the head of the path could replace; frozen and built-in ones come before any path."""
    names: set[str] = set()
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if "." not in name and name != "__main__" and spec is not None and spec.origin not in ("built-in", "frozen"):
            names.add(name)
    return frozenset(names)


def _folders(job: dict[str, Any]) -> list[str]:
    """Where the job's imports look first."""
    root = job["directory"] or "."
    script, _, _ = (job["entrypoint"] or "").partition(":")
    if not script.endswith(".py"):
        return [root]
    beside = str(Path(root, script).parent)
    return [root] if beside == str(Path(root)) else [root, beside]


def _found(argv: list[str], job: dict[str, Any]) -> list[str]:
    """The command, if it can be executed from the job's folder with the job's PATH."""
    path = job["env"].get("PATH", os.environ.get("PATH", os.defpath))
    program = argv[0]
    if os.sep in program:
        there = shutil.which(Path(job["directory"] or ".", program).absolute()) is not None
    else:
        there = shutil.which(program, path=path) is not None
    if not there:
        raise Refused(f"there is no program {program!r} to execute; looked in {path if os.sep not in program else job['directory'] or '.'}")
    return argv
