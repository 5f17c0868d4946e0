"""What is wrong with the daemons that a home knows: who holds them, what they have not reported, what they left behind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from flowhand.daemon.finding import Finding, Level
from flowhand.daemon.instance import holder
from flowhand.execution.sweep import attendance, instance_mark, strays
from flowhand.keeper import tree
from flowhand.settings import Settings
from flowhand.wire import records

_START_AGAIN: Final = "start the worker again: it"


class Unsent(NamedTuple):
    """What a journal holds."""

    runs: int
    """Runs that are not done."""
    torn: int
    """Bytes behind the last whole record."""


def check_instances(settings: Settings) -> Iterator[Finding]:
    """Every daemon that this home knows."""
    for directory in sorted((settings.home / "instances").glob("*/")):
        state = attendance(directory)
        yield _check_journal(directory, state)
        yield from _check_processes(directory, state)
        yield from _check_put_aside(directory)


def unsent(journal: Path) -> Unsent:
    """What is in a journal. Reads only; nothing when there is no journal."""
    alive: set[str] = set()
    try:
        data = journal.read_bytes()
    except OSError:
        return Unsent(0, 0)
    end = 0
    for record in records.decode(data):
        end, body = record.end, json.loads(record.body)
        if body.get("k") == "claimed":
            alive.add(body["key"])
        elif body.get("k") == "done":
            alive.discard(body["key"])
    return Unsent(len(alive), len(data) - end)


def _check_journal(directory: Path, state: str) -> Finding:
    what, held = directory.name, unsent(directory / "journal")
    left = f"{held.runs} run(s) not reported" if held.runs else "nothing unreported"
    if state == "alive":
        return Finding(Level.OK, what, f"a daemon is running; {f'{held.runs} run(s) under way' if held.runs else 'no runs'}")
    if held.torn:
        whose = "its keeper goes on without a daemon" if state == "unattended" else "no daemon"
        found = f"{whose}; {left}; the last {held.torn} bytes of its journal were not written whole"
        return Finding(Level.WARNING, what, found, f"{_START_AGAIN} cuts them off and goes on with what stands before them")
    if state == "unattended":
        return Finding(Level.WARNING, what, f"its keeper goes on without a daemon; {left}", f"{_START_AGAIN} adopts what runs")
    if held.runs and state == "elsewhere":
        found = f"its last daemon ran before this machine was started, on another one, or in another container; {left}"
        return Finding(Level.WARNING, what, found, f"{_START_AGAIN} reports them as lost or as they ended, and signals nobody")
    if held.runs:
        return Finding(Level.WARNING, what, f"no daemon; {left}", f"{_START_AGAIN} reports them")
    return Finding(Level.OK, what, "no daemon, nothing unreported")


def _check_processes(directory: Path, state: str) -> Iterator[Finding]:
    """Those that are suspended, and those that nobody looks after."""
    for name, pid in _known(directory) if state in ("alive", "unattended") else ():
        process = tree.look(pid)
        if process is not None and process.state in "Tt":
            yield Finding(
                Level.PROBLEM, directory.name, f"its {name}, pid {pid}, is suspended (SIGSTOP)", f"kill -CONT {pid}, or kill -9 {pid}"
            )
    if state == "dead":
        prefix = instance_mark(directory)
        found = strays(lambda mark: mark.startswith(prefix))
        if found:
            pids = ", ".join(str(stray.process.pid) for stray in found)
            yield Finding(
                Level.PROBLEM, directory.name, f"{len(found)} process(es) of its runs still live: {pids}", "flowhand worker sweep"
            )


def _known(directory: Path) -> Iterator[tuple[str, int]]:
    """The daemon, and the keepers that have announced themselves."""
    said = holder(directory).removeprefix("pid ")
    if said.isdigit():
        yield "daemon", int(said)
    for path in sorted(directory.glob("keeper.json*")):
        with contextlib.suppress(OSError, ValueError, KeyError):
            about: dict[str, Any] = json.loads(path.read_bytes())
            process = tree.look(about["pid"])
            if process is not None and process.start == about["pid_start"]:
                yield "keeper", process.pid


def _check_put_aside(directory: Path) -> Iterator[Finding]:
    """What only a person can decide about."""
    if (directory / "dead-letters.jsonl").exists():
        advice = "they are kept in dead-letters.jsonl; delete it once you have read it"
        yield Finding(Level.WARNING, directory.name, "the server refused reports of it", advice)
    for journal in sorted(directory.glob("journal.*")):
        if journal.suffix not in (".reserve", ".new") and (runs := unsent(journal).runs):
            found = f"{runs} run(s) of another server are not reported; that server is not the one that answers now"
            yield Finding(Level.WARNING, directory.name, found, f"delete {journal} if that server is gone for good")
