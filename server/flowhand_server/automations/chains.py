"""Chains: an automation that sets itself off, by the runs that it starts or by events about itself, is stopped after some rounds.

What an automation does carries its chain: the event that everything began with, and the automations that had a hand in it since. Runs carry
it as a label, the automation's own events in their payload. One that finds itself in the chain of the event that sets it off counts; a
chain whose link was cut has no end to go on from. What nobody marked (an event from outside) begins a chain anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from flowhand.ids import is_id
from flowhand.wire.events import RESOURCE_ID
from flowhand_server.store import tables as t

LABEL: Final = "flowhand.automation.chain"
ROUNDS: Final = 10
"""How often an automation may set itself off within `SPAN_US`, of one chain."""
SPAN_US: Final = 3_600_000_000
LINKS: Final = 50
"""Automations that a chain remembers."""
GENERATIONS: Final = 5
"""Runs around a run that are looked at for a chain: subflows carry none of their own."""
_RUN: Final = "prefect.flow-run."
_chain, _run, _task = t.automation_chain.c, t.flow_run.c, t.task_run.c


@dataclass(frozen=True, slots=True)
class Chain:
    """Where everything began, and who had a hand in it since."""

    root: str
    links: tuple[str, ...] = ()

    def with_link(self, automation_id: str) -> Chain:
        """The chain of what this automation does."""
        others = tuple(link for link in self.links if link != automation_id)
        return Chain(self.root, (automation_id, *others)[:LINKS])

    def __str__(self) -> str:
        return f"{self.root} {','.join(self.links)}"


def parse(text: object) -> Chain | None:
    """A chain as `str` writes it; None for anything else, which anybody may have put there."""
    root, _, links = str(text).partition(" ")
    found = tuple(links.split(","))[:LINKS] if links else ()
    return Chain(root, found) if is_id(root) and all(is_id(link) for link in found) else None


def chain_of(conn: Connection, event: Mapping[str, Any] | None, otherwise: str) -> Chain:
    """The chain that led to an event; one that begins with it (or, without an event, with `otherwise`, an id) when there is none."""
    if event is None:
        return Chain(otherwise)
    if event["event"].startswith("prefect.automation."):
        found = parse(event["payload"].get("chain"))
        if found is not None:
            return found
    for run_id in _runs(event):
        found = _chain_of_run(conn, run_id)
        if found is not None:
            return found
    return Chain(event["id"])


def _runs(event: Mapping[str, Any]) -> Iterator[str]:
    for resource in (event["resource"], *event["related"]):
        name = resource.get(RESOURCE_ID, "")
        if name.startswith(_RUN) and is_id(name.removeprefix(_RUN)):
            yield name.removeprefix(_RUN)


def _chain_of_run(conn: Connection, run_id: str) -> Chain | None:
    for _ in range(GENERATIONS):
        row = conn.execute(select(_run.labels, _run.parent_task_run_id).where(_run.id == run_id)).first()
        if row is None:
            return None
        if LABEL in (row.labels or {}):
            return parse(row.labels[LABEL])
        parent = row.parent_task_run_id and conn.execute(select(_task.flow_run_id).where(_task.id == row.parent_task_run_id)).scalar()
        if not parent:
            return None
        run_id = parent
    return None


def runs_in_circles(conn: Connection, automation_id: str, chain: Chain, now: int) -> bool:
    """Whether the automation has set itself off too often; counts this time."""
    if automation_id not in chain.links:
        return False
    conn.execute(delete(t.automation_chain).where(_chain.automation_id == automation_id, _chain.since < now - SPAN_US))
    mine = (_chain.automation_id == automation_id) & (_chain.root == chain.root)
    count = conn.execute(select(_chain.count).where(mine)).scalar()
    if count is None:
        conn.execute(insert(t.automation_chain).values(automation_id=automation_id, root=chain.root, since=now, count=1))
        return False
    if count >= ROUNDS:
        return True
    conn.execute(update(t.automation_chain).where(mine).values(count=count + 1))
    return False
