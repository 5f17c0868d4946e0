"""Recovery: what a daemon finds from the one before it, and what becomes of each run.

| the journal has it | the launcher holds it | then |
| --- | --- | --- |
| with a final state that the server has | either way | forgotten |
| with a final state | either way | reported |
| started | alive or ended | adopted: followed from the server's marks to its true end |
| started | no | its keeper died too: its end is what its files say, else Crashed; begun again under `retry`, or if it had not begun |
| not started | alive or ended | adopted (the kill came between start and journal) |
| not started | no | handed back |
| no | yes | not ours to speak of: stopped and forgotten |

What calls the hooks of an ended run (`daemon.late_hooks`) is the run's, and stays as long as the journal has that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from flowhand.clock import Clock
from flowhand.daemon.follower import Follower
from flowhand.daemon.journal import Entry, Journal
from flowhand.daemon.registry import Registry
from flowhand.daemon.run import Run
from flowhand.execution.launcher import EVERYTHING, Held, Launcher, StopReason
from flowhand.wire.job import run_of_late_hooks

log = structlog.get_logger("flowhand.daemon")


@dataclass(slots=True)
class Recovered:
    """What was found."""

    adopted: list[Run] = field(default_factory=list[Run])
    ended: list[Run] = field(default_factory=list[Run])
    unstarted: list[Run] = field(default_factory=list[Run])
    strangers: list[str] = field(default_factory=list[str])
    hooks: list[Held] = field(default_factory=list[Held])
    """Processes that call the hooks of ended runs."""

    @property
    def anything(self) -> bool:
        return bool(self.adopted or self.ended or self.unstarted or self.strangers)


async def recover(journal: Journal, launcher: Launcher, held: list[Held], registry: Registry, clock: Clock) -> Recovered:
    """Builds the runs that the journal knows of and puts them into the registry; strangers are stopped."""
    found = Recovered()
    by_key = {item.key: item for item in held}
    for key, entry in list(journal.entries.items()):
        run = _run(key, entry, launcher)
        item = by_key.pop(key, None)
        if run.final is not None and entry.marks.get("state", 0) >= run.final.seq:
            await launcher.forget(key)
            journal.done(key)
            continue
        if item is not None:
            _adopt(run, item, clock)
            (found.ended if run.ended else found.adopted).append(run)
        elif entry.started or entry.final is not None:
            _vanished(run, launcher, clock)
            found.ended.append(run)
        else:
            run.ended = True
            found.unstarted.append(run)
        registry.add(run)
    for key, item in by_key.items():
        if (run_of_late_hooks(key) or "") in journal.entries:
            found.hooks.append(item)
            continue
        found.strangers.append(key)
        await _dismiss(key, item, launcher)
    return found


def _run(key: str, entry: Entry, launcher: Launcher) -> Run:
    run = Run(entry.claimed, Follower(key, launcher, entry.marks), entry.lease_until, marks=dict(entry.marks))
    run.started = entry.started
    run.final = entry.final
    said = entry.marks.get("daemon", 0)
    run.notes.extend(line for line in entry.notes if line[1] > said)
    run.last_note = entry.notes[-1][1] if entry.notes else 0
    return run


def _adopt(run: Run, item: Held, clock: Clock) -> None:
    run.pid, run.started = item.pid, True
    run.follower.grown(item.exit.sizes if item.exit else item.sizes, clock.now_us())
    run.exit = item.exit
    run.ended = item.exit is not None or run.final is not None  # a launcher may still make sure that nothing of it is left


def _vanished(run: Run, launcher: Launcher, clock: Clock) -> None:
    """Its keeper is gone: what it wrote is still there, how it ended is not known."""
    run.ended, run.unbegun = True, launcher.unbegun(run.key)
    run.why = "the worker's keeper was killed, or the host went down"
    run.follower.grown(EVERYTHING, clock.now_us())


async def _dismiss(key: str, item: Held, launcher: Launcher) -> None:
    log.warning("A process of a run that the journal does not know is stopped", key=key, pid=item.pid)
    if item.exit is None:
        await launcher.stop(key, StopReason.FENCED, 0.0)
    else:
        await launcher.forget(key)
