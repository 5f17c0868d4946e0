"""What truly happens to the runs of a simulation, written down by those to whom it happens; the checker compares the database with it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from .child import Script
from .world import World


class Violation(AssertionError):
    """Something happened that must never happen."""


@dataclass(slots=True, eq=False)
class Body:
    """User code that runs, or ran."""

    run_id: str
    attempt: int
    host: str
    began: float
    left: float | None = None


@dataclass(slots=True)
class Attempt:
    """What one attempt said and how it ended."""

    said: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ended: str | None = None
    """Its last word, or CRASHED; None when something ended it first."""
    fenced: bool = False
    """Its keeper ended it because its lease was over."""
    hosts: set[str] = field(default_factory=set[str])
    files_lost: bool = False
    """The host crashed with it: what was not on the disk is gone."""


@dataclass(slots=True)
class Ledger:
    """The truth."""

    world: World
    scripts: dict[str, Script] = field(default_factory=dict[str, Script])
    policies: dict[str, str] = field(default_factory=dict[str, str])
    bodies: list[Body] = field(default_factory=list[Body])
    attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict[tuple[str, int], Attempt])
    violations: list[str] = field(default_factory=list[str])
    sessions: dict[str, str] = field(default_factory=dict[str, str])
    """Sessions to the hosts of their daemons."""
    forgetful: set[str] = field(default_factory=set[str])
    """Hosts that have crashed: of some of their runs they may know nothing any more, since a journal is not synced at every claim."""
    cancelled: set[str] = field(default_factory=set[str])
    """Runs that somebody has asked to cancel."""
    _trouble: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    slept: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """Hosts to the stretches in which they were suspended."""
    _failures: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def blame(self, what: str) -> None:
        """Writes a violation down; the simulation ends at its next look."""
        self.violations.append(f"at {self.world.now():.3f} s: {what}")
        self.world.note("VIOLATION", what)

    def trouble(self, host: str, since: float, until: float = float("inf")) -> None:
        """Writes down when a host could not be expected to keep its leases."""
        self._trouble[host].append((since, until))

    def well_again(self, host: str) -> None:
        """Ends the host's open troubles."""
        now = self.world.now()
        self._trouble[host] = [(since, min(until, now)) for since, until in self._trouble[host]]

    def troubled(self, host: str, since: float, until: float) -> bool:
        """Whether the host had trouble of its own in this stretch."""
        return any(start <= until and end >= since for start, end in self._trouble[host])

    def attempt(self, run_id: str, attempt: int) -> Attempt:
        """The page of an attempt."""
        return self.attempts.setdefault((run_id, attempt), Attempt())

    def began(self, run_id: str, attempt: int, host: str) -> Body:
        """User code begins. Never twice for one attempt, never beside another body of the run (but across a suspension, under `retry`)."""
        body = Body(run_id, attempt, host, self.world.now())
        self.world.note(host, f"body of {run_id}.{attempt} begins")
        page = self.attempt(run_id, attempt)
        page.hosts.add(host)
        for other in self.bodies:
            if other.run_id != run_id:
                continue
            if other.attempt == attempt:
                self.blame(f"attempt {run_id}.{attempt} has two bodies: on {other.host} and on {host}")
            elif other.left is None and not self._excused(run_id, other, body):
                self.blame(f"two bodies of {run_id} at once: attempt {other.attempt} on {other.host}, {attempt} on {host}")
        self.bodies.append(body)
        return body

    def left(self, body: Body) -> None:
        """User code is over, one way or another."""
        if body.left is None:
            body.left = self.world.now()

    def line(self, run_id: str, attempt: int, stream: str, number: int) -> str:
        """A line that the attempt says now."""
        text = f"{run_id}.{attempt} {stream} {number}"
        self.attempt(run_id, attempt).said[stream].append(text)
        return text

    def fails(self, run_id: str, at_most: int) -> bool:
        """Whether this attempt is one of those that fail before the script's own end."""
        if self._failures[run_id] >= at_most:
            return False
        self._failures[run_id] += 1
        return True

    def _excused(self, run_id: str, older: Body, newer: Body) -> bool:
        if self.policies[run_id] != "retry":
            return False
        return any(start < newer.began and end > older.began for start, end in (*self.slept[older.host], *self.slept[newer.host]))
