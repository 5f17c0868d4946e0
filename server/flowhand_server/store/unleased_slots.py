"""Slots of limits that no lease vouches for: whoever holds them may be gone, and only a person can tell.

Clients that know no leases take slots of global limits so, and hold those of a deployment by their run alone; also a number of slots that
was set by hand.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from sqlalchemy import Connection, exists, select

from flowhand.clock import to_iso

from .deployment_slots import SLOT
from .leases import LIVE
from .limits import ACTIVE_SQL
from .tables import concurrency_lease, concurrency_limit, deployment, flow, flow_run, lease

MOST: Final = 50
"""Runs that are named."""
_limit, _held, _run, _dep = concurrency_limit.c, concurrency_lease.c, flow_run.c, deployment.c
_TAKEN: Final = (
    select(_limit.id, _limit.name, _limit.limit, _limit.active_slots)
    .where(_limit.active_slots > 0, _limit.slot_decay_per_second == 0)
    .order_by(_limit.name)
)
_LEASED: Final = select(_held.limit_ids, _held.slots).where(_held.holder_type.is_distinct_from(SLOT))
_RUNS: Final = (
    select(_run.id, _run.name, _run.state_name, _run.state_timestamp, flow.c.name.label("flow_name"), _dep.name.label("deployment_name"))
    .join_from(flow_run, deployment, _dep.id == _run.deployment_id)
    .join(flow, flow.c.id == _run.flow_id)
    .where(
        ACTIVE_SQL,
        _dep.concurrency_limit.is_not(None),
        ~exists().where(lease.c.flow_run_id == _run.id, LIVE),
        ~exists().where(_held.holder_type == SLOT, _held.holder_id == _run.id),
    )
    .order_by(_run.state_timestamp)
    .limit(MOST)
)


def unleased_slots(conn: Connection) -> dict[str, Any]:
    """`limits`: name, `limit`, and how many slots are `held`, `unleased` of them without a lease. `runs`: those that hold a slot of their
    deployment without one, at most MOST, the oldest first."""
    leased = Counter[str]()
    for row in conn.execute(_LEASED):
        leased.update(dict.fromkeys(row.limit_ids, row.slots))
    limits = [
        {"name": row.name, "limit": row.limit, "held": row.active_slots, "unleased": row.active_slots - leased[row.id]}
        for row in conn.execute(_TAKEN)
    ]
    runs = [
        {
            "id": row.id,
            "name": row.name,
            "deployment": f"{row.flow_name}/{row.deployment_name}",
            "state_name": row.state_name,
            "since": to_iso(row.state_timestamp),
        }
        for row in conn.execute(_RUNS)
    ]
    return {"limits": [one for one in limits if one["unleased"] > 0], "runs": runs}
