"""Where runs wait to be claimed, and which of them come next.

A *lane* is what waits of one deployment in one queue. Only the head of each lane is looked at, found by an index that holds nothing but
claimable runs, so what a look costs grows with the number of lanes and of runs taken, not with the number of runs that wait. A lane that is
blocked (its deployment is at its limit) is skipped as a whole.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Connection, String, column, func, literal_column, select, text

from flowhand_server.orchestration.state import CollisionStrategy

from .limits import in_use_of_limits, lock_limits, strategy_of, used_by_deployments
from .prepared import Prepared, among
from .tables import Json, deployment, flow_run

_HEADS: Final = """
WITH RECURSIVE lane(id) AS (
  SELECT (SELECT min(deployment_id) FROM flow_run
          WHERE state_type = 'SCHEDULED' AND in_process = false AND work_queue_id = :queue AND deployment_id IS NOT NULL)
  UNION ALL
  SELECT (SELECT min(deployment_id) FROM flow_run
          WHERE state_type = 'SCHEDULED' AND in_process = false AND work_queue_id = :queue AND deployment_id > lane.id)
  FROM lane WHERE lane.id IS NOT NULL
)
SELECT d.id, d.name, d.paused, d.concurrency_limit, d.concurrency_options, d.global_concurrency_limit_id,
  (SELECT min(next_scheduled_start_time) FROM flow_run
   WHERE state_type = 'SCHEDULED' AND in_process = false AND work_queue_id = :queue AND deployment_id = d.id) AS head
FROM lane JOIN deployment d ON d.id = lane.id
UNION ALL
SELECT NULL, NULL, false, NULL, NULL, NULL, min(next_scheduled_start_time) FROM flow_run
WHERE state_type = 'SCHEDULED' AND in_process = false AND work_queue_id = :queue AND deployment_id IS NULL
"""
_RESULT: Final = (
    column("id", String),
    column("name", String),
    column("paused", Boolean),
    column("concurrency_limit", BigInteger),
    column("concurrency_options", Json),
    column("global_concurrency_limit_id", String),
    column("head", BigInteger),
)
_OF_DEPLOYMENTS: Final = ("id", "name", "paused", "concurrency_limit", "concurrency_options", "global_concurrency_limit_id")
_HEADS_OF_QUEUE: Final = Prepared(text(_HEADS).columns(*_RESULT))
_HEADS_OF_DEPLOYMENTS: Final = Prepared(
    select(
        *(deployment.c[name] for name in _OF_DEPLOYMENTS),
        select(func.min(flow_run.c.next_scheduled_start_time))
        .where(literal_column("flow_run.state_type = 'SCHEDULED' AND flow_run.in_process = false"))
        .where(flow_run.c.deployment_id == deployment.c.id)
        .scalar_subquery()
        .label("head"),
    ).where(among(deployment.c.id, "ids"))
)

_CLAIMABLE: Final = "SELECT id, next_scheduled_start_time FROM flow_run WHERE state_type = 'SCHEDULED' AND in_process = false"
_NEXT: Final = " AND next_scheduled_start_time <= :until ORDER BY next_scheduled_start_time LIMIT :n"


def _next(condition: str) -> Prepared:
    found = text(f"{_CLAIMABLE} AND {condition}{_NEXT}")
    return Prepared(found.columns(column("id", String), column("next_scheduled_start_time", BigInteger)))


_IN_LANE: Final = _next("work_queue_id = :queue AND deployment_id = :deployment")
_WITHOUT_DEPLOYMENT: Final = _next("work_queue_id = :queue AND deployment_id IS NULL")
_OF_DEPLOYMENT: Final = _next("deployment_id = :deployment")
_IN_LANE_BY_HAND: Final = _next("work_queue_id = :queue AND deployment_id = :deployment AND auto_scheduled = false")
_OF_DEPLOYMENT_BY_HAND: Final = _next("deployment_id = :deployment AND auto_scheduled = false")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that may be claimed now, and the time it is scheduled for (microseconds, UTC)."""

    run_id: str
    due: int


@dataclass(slots=True)
class Queue:
    """A queue whose lanes are walked. `room` is how many of its runs may still start; None: no limit."""

    id: str
    pool: str
    name: str
    priority: int
    room: int | None = None


@dataclass(slots=True)
class Slots:
    """What is left of a limit, for all lanes that draw from it."""

    left: int


@dataclass(slots=True)
class Lane:
    """What waits of one deployment in one queue. `queue` is None for a lane that a script serves."""

    head: int
    queue: Queue | None
    deployment: str | None
    name: str | None = None
    paused: bool = False
    limit: int | None = None
    strategy: CollisionStrategy = CollisionStrategy.ENQUEUE
    limit_id: str | None = None
    slots: Slots | None = None
    buffer: deque[Candidate] = field(default_factory=deque[Candidate])

    @property
    def room(self) -> int | None:
        """How many of its runs may still start for the deployment's limit; None: no limit."""
        return self.slots.left if self.slots else None

    @property
    def full(self) -> set[str]:
        """The ids of what has no slot for its runs: of its limit and deployment, of its queue. Empty when they may start."""
        found: set[str] = set()
        if self.room == 0:
            found.update(filter(None, (self.limit_id, self.deployment)))
        if self.queue is not None and self.queue.room == 0:
            found.add(self.queue.id)
        return found

    @property
    def rank(self) -> int:
        """The queue's priority; 1 comes first."""
        return self.queue.priority if self.queue else 1

    def fetch(self, conn: Connection, until: int, n: int) -> list[Candidate]:
        """The first `n` runs that are due by `until`. Of a paused deployment only those that somebody asked for."""
        values = {"queue": self.queue.id if self.queue else None, "deployment": self.deployment, "until": until, "n": n}
        return [Candidate(*row) for row in self._statement().all(conn, **values)]

    def _statement(self) -> Prepared:
        if self.queue is None:
            return _OF_DEPLOYMENT_BY_HAND if self.paused else _OF_DEPLOYMENT
        if self.deployment is None:
            return _WITHOUT_DEPLOYMENT
        return _IN_LANE_BY_HAND if self.paused else _IN_LANE


def lanes_of_queue(conn: Connection, queue: Queue) -> list[Lane]:
    """The lanes of a queue in which something waits."""
    return [_lane(row, queue) for row in _HEADS_OF_QUEUE.all(conn, queue=queue.id) if row.head is not None]


def lanes_of_deployments(conn: Connection, ids: Iterable[str]) -> list[Lane]:
    """The lanes that a script serves, in which something waits."""
    return [_lane(row, None) for row in _HEADS_OF_DEPLOYMENTS.all(conn, ids=ids) if row.head is not None]


def _lane(row: Any, queue: Queue | None) -> Lane:
    limit = row.concurrency_limit
    strategy = strategy_of(row.concurrency_options) if limit is not None else CollisionStrategy.ENQUEUE
    return Lane(row.head, queue, row.id, row.name, bool(row.paused), limit, strategy, row.global_concurrency_limit_id)


@dataclass(slots=True)
class Look:
    """What a look found. `next_due` is when something will be due that is not yet, so far as it is not blocked."""

    taken: list[Candidate] = field(default_factory=list[Candidate])
    blocked: list[Lane] = field(default_factory=list[Lane])
    """Lanes in which something is due that may not start."""
    next_due: int | None = None
    waits_for: frozenset[str] = frozenset()
    """Of what the blocked lanes have no slot: a slot that becomes free of any of these concerns them."""

    def block(self, lane: Lane, full: Iterable[str]) -> None:
        """Notes a lane in which something is due, and what is full."""
        self.blocked.append(lane)
        self.waits_for |= frozenset(full)


def walk(conn: Connection, lanes: list[Lane], n: int, until: int, pool_room: int | None = None, *, lock: bool = False) -> Look:
    """Takes up to `n` runs that are due by `until`: the lowest priority number first, the earliest first within it, limits kept.

    With `lock` the limits of deployments are locked before their runs are counted.
    """
    look = Look()
    _find_room(conn, lanes, lock=lock)
    room = n if pool_room is None else max(0, min(n, pool_room))
    heap: list[tuple[int, int, int]] = []
    for index, lane in enumerate(lanes):
        if lane.head <= until:
            heap.append((lane.rank, lane.head, index))
        elif look.next_due is None or lane.head < look.next_due:
            look.next_due = lane.head
    heapq.heapify(heap)
    while heap and len(look.taken) < room:
        rank, _, index = heapq.heappop(heap)
        lane = lanes[index]
        if lane.full:
            look.block(lane, lane.full)
            continue
        if not lane.buffer:
            lane.buffer.extend(lane.fetch(conn, until, _bounded(room - len(look.taken), lane)))
        if lane.buffer:
            look.taken.append(_take(lane))
            # an emptied lane goes back once more when its room is what stopped it, to be told from one that has no more
            if lane.buffer or lane.full:
                heapq.heappush(heap, (rank, lane.buffer[0].due if lane.buffer else lane.head, index))
    if pool_room is not None and room < n:
        for _, _, index in heap:
            lane = lanes[index]
            look.block(lane, [lane.queue.pool] if lane.queue else [])
    return look


def _find_room(conn: Connection, lanes: list[Lane], *, lock: bool) -> None:
    limited = [lane for lane in lanes if lane.limit is not None and lane.deployment is not None]
    if not limited:
        return
    own = {lane.deployment for lane in limited if lane.deployment and not lane.limit_id}
    common = {lane.limit_id for lane in limited if lane.limit_id}
    if lock:
        lock_limits(conn, common, own)
    in_use = used_by_deployments(conn, own) | in_use_of_limits(conn, common)
    found: dict[str, Slots] = {}
    for lane in limited:
        key, limit = lane.limit_id or lane.deployment or "", lane.limit or 0
        lane.slots = found.setdefault(key, Slots(max(0, limit - in_use.get(key, 0))))


def _take(lane: Lane) -> Candidate:
    if lane.slots is not None:
        lane.slots.left -= 1
    if lane.queue and lane.queue.room is not None:
        lane.queue.room -= 1
    return lane.buffer.popleft()


def _bounded(n: int, lane: Lane) -> int:
    rooms = [n, lane.room, lane.queue.room if lane.queue else None]
    return min(room for room in rooms if room is not None)
