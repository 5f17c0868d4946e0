"""What truly happens to the runs of a simulation, written down by those to whom it happens; the checker compares the database with it."""

from __future__ import annotations

from collections import Counter, defaultdict
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
    hooks: int = 0
    """How often the hooks of its end were called."""
    hooks_on: str | None = None
    """The host on which they are being called."""
    tried_again: bool = False
    """It failed, and another try is left: its hooks are not called."""
    hooks_cut: bool = False
    """Their process was ended after it had said that it calls them, and before it did."""
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
    drained: set[str] = field(default_factory=set[str])
    """Hosts whose daemon was told to drain: it may leave before hooks are called."""
    cancelled: set[str] = field(default_factory=set[str])
    """Runs that somebody has asked to cancel."""
    _trouble: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    _open: Counter[str] = field(default_factory=Counter[str])
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
        self._open[host] += until == float("inf")

    def well_again(self, host: str) -> None:
        """One of the host's open troubles is over; with the last of them all are."""
        now = self.world.now()
        self._open[host] -= 1
        if self._open[host] > 0:
            return
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
        self._beside_hooks(body)
        self.bodies.append(body)
        return body

    def _beside_hooks(self, body: Body) -> None:
        for (run_id, attempt), page in self.attempts.items():
            host, now = page.hooks_on, body.began
            if run_id == body.run_id and host is not None and not self._excused_on(run_id, host, body.host, now, now):
                self.blame(f"attempt {run_id}.{body.attempt} begins while hooks of attempt {attempt} are called on {host}")

    def hooks_begin(self, run_id: str, attempt: int, host: str) -> None:
        """The hooks of an attempt are called. Never twice, and never while its body runs."""
        page = self.attempt(run_id, attempt)
        page.hooks, page.hooks_on = page.hooks + 1, host
        self.world.note(host, f"hooks of {run_id}.{attempt} begin")
        if page.hooks > 1 and not page.files_lost:
            self.blame(f"the hooks of {run_id}.{attempt} are called {page.hooks} times")

    def hooks_over(self, run_id: str, attempt: int) -> None:
        """Their process has gone; idempotent."""
        self.attempt(run_id, attempt).hooks_on = None

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
        return self._excused_on(run_id, older.host, newer.host, older.began, newer.began)

    def _excused_on(self, run_id: str, older: str, newer: str, since: float, until: float) -> bool:
        """Whether a suspension of one of the hosts explains that something of the older attempt is there beside the newer one."""
        if self.policies[run_id] != "retry":
            return False
        return any(start < until and end > since for start, end in (*self.slept[older], *self.slept[newer]))
