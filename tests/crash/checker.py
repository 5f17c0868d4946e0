"""What must hold after every cell, whatever was done in it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import psutil

from .faults import Fault
from .rig import Rig

TERMINAL: Final = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
_LINE: Final = re.compile(r"^(\d+) line (\d+)$")


@dataclass(slots=True)
class Body:
    """One execution of the flow, as it wrote it down itself."""

    pid: int
    began: float
    last: float
    lines: int = 0
    done: bool = False
    hooks: int = 0
    """How often its completion hook was called."""


@dataclass(slots=True)
class Evidence:
    """All that can be known when a cell is over."""

    bodies: list[Body]
    states: list[tuple[str, str, int, str]]
    """type, name, attempt, message; in order"""
    log: list[tuple[int, str]]
    """attempt, message; in order"""
    live_leases: int
    crash_hooks: int
    """How often the crash hook was called."""
    problems: list[str] = field(default_factory=list[str])

    @property
    def final(self) -> str:
        return self.states[-1][0]


def gather(rig: Rig) -> Evidence:
    """Reads the database and the flow's own record."""
    with contextlib.closing(rig.database()) as db:
        states = db.execute(
            "SELECT type, name, attempt, coalesce(message, '') FROM flow_run_state WHERE flow_run_id = ? ORDER BY rowid", (rig.run,)
        ).fetchall()
        log = db.execute("SELECT attempt, message FROM log WHERE flow_run_id = ? ORDER BY cursor", (rig.run,)).fetchall()
        leases = db.execute("SELECT count(*) FROM lease WHERE ended_at IS NULL").fetchone()[0]
    crashed = rig.record / "crashed"
    return Evidence(_bodies(rig), states, log, leases, len(crashed.read_text().split()) if crashed.exists() else 0)


def _bodies(rig: Rig) -> list[Body]:
    found: list[Body] = []
    for path in rig.record.glob("body.*"):
        events: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
        for event in events:
            if "began" in event:
                found.append(Body(int(path.suffix[1:]), event["began"], event["began"]))
            elif "line" in event:
                found[-1].lines, found[-1].last = event["line"] + 1, event["at"]
            elif "hook" in event:
                found[-1].hooks += 1
            else:
                found[-1].done = True
    return sorted(found, key=lambda body: body.began)


def check(rig: Rig, fault: Fault, *, left: bool) -> list[str]:
    """What does not hold, in words; empty when all is well. `left`: the daemon has drained and left, and its keeper with it."""
    evidence = gather(rig)
    _states(evidence)
    _ending(evidence, fault)
    _bodies_once(evidence, rig.policy, suspended=fault.name == "stop host")
    _lines(evidence, fault)
    _nothing_held(evidence, rig)
    if left:
        _nothing_left(evidence, rig)
    return evidence.problems


def _states(evidence: Evidence) -> None:
    closed: tuple[int, str] | None = None
    for kind, name, attempt, message in evidence.states:
        if closed is not None and attempt <= closed[0] and not (closed[1] == kind == "SCHEDULED"):
            evidence.problems.append(f"attempt {attempt} entered {name} although attempt {closed[0]} was closed by {closed[1]}")
        provisional = kind == "CRASHED" and message.startswith("Lost contact")
        if (kind in TERMINAL and not provisional) or (kind == "SCHEDULED" and attempt):
            closed = (attempt, kind)
    if evidence.live_leases:
        evidence.problems.append(f"{evidence.live_leases} leases are still held")


def _ending(evidence: Evidence, fault: Fault) -> None:
    allowed = {"COMPLETED", "CRASHED"} if fault.dooms else {"COMPLETED"}
    done = bool(evidence.bodies) and evidence.bodies[-1].done
    if evidence.final not in allowed:
        evidence.problems.append(f"the run is {evidence.final}: {evidence.states[-1][3][:200]}")
    if evidence.final == "COMPLETED" and not done:
        evidence.problems.append("Completed, but the last body did not come to its end")
    if evidence.final == "CRASHED" and done and not fault.dooms:
        evidence.problems.append("Crashed, although the body came to its end")


def _bodies_once(evidence: Evidence, policy: str, *, suspended: bool) -> None:
    bodies = evidence.bodies
    attempts = len({attempt for _, name, attempt, _ in evidence.states if name == "Pending"})
    if len(bodies) > attempts:
        evidence.problems.append(f"{len(bodies)} bodies for {attempts} attempts")
    if policy == "crash" and len(bodies) > 1:
        evidence.problems.append(f"{len(bodies)} bodies under the crash policy")
    for body in bodies:
        if body.hooks > 1 or (body is bodies[-1] and evidence.final == "COMPLETED" and not body.hooks):
            evidence.problems.append(f"the completion hook of {body.pid} was called {body.hooks} times")
    wanted = int(evidence.final == "CRASHED" and any(name == "Running" for _, name, _, _ in evidence.states))
    if evidence.crash_hooks != wanted:
        evidence.problems.append(f"the crash hook was called {evidence.crash_hooks} times, not {wanted}")
    for earlier, later in itertools.pairwise(bodies):
        if later.began <= earlier.last and not (suspended and policy == "retry"):
            evidence.problems.append(f"two bodies at once for {earlier.last - later.began:.2f} s")


def _lines(evidence: Evidence, fault: Fault) -> None:
    heard: dict[int, list[int]] = defaultdict(list)
    for _, message in evidence.log:
        match = _LINE.match(message)
        if match:
            heard[int(match[1])].append(int(match[2]))
    for body in evidence.bodies:
        numbers = heard[body.pid]
        if numbers != sorted(set(numbers)):
            evidence.problems.append(f"lines of {body.pid} are doubled or out of order: {numbers}")
        complete = numbers == list(range(len(numbers))) and len(numbers) >= body.lines
        if not complete and not fault.loses_lines:
            missing = sorted(set(range(body.lines)) - set(numbers))
            evidence.problems.append(f"lines of {body.pid} are lost: {missing} of {body.lines}")


def _nothing_held(evidence: Evidence, rig: Rig) -> None:
    pids = [body.pid for body in evidence.bodies if psutil.pid_exists(body.pid) and _is_ours(psutil.Process(body.pid), str(rig.home))]
    if pids:
        evidence.problems.append(f"processes of ended runs: {pids}")


def _nothing_left(evidence: Evidence, rig: Rig) -> None:
    left = [f"{path.name} ({path.stat().st_size} bytes)" for path in rig.home.glob("instances/*/runs/*")]
    letters = list(rig.home.glob("instances/*/dead-letters*"))
    journals = [path for path in rig.home.glob("instances/*/journal") if path.stat().st_size]
    strays = [process.pid for process in psutil.process_iter() if _is_ours(process, str(rig.home))]
    for what, found in {"files": left, "dead letters": letters, "journals": journals, "processes": strays}.items():
        if found:
            evidence.problems.append(f"{what} left behind: {', '.join(map(str, found))}")


def _is_ours(process: psutil.Process, home: str) -> bool:
    try:
        return process.environ().get("FLOWHAND_HOME") == home and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
