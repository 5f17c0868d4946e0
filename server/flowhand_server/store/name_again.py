"""Names that servers of an older version stored beside one that had brought the database up to date: they told the index of none.

Replicas are upgraded one after the other. So some time after the upgrade the names of all runs that were changed since are put at the tail
once more. Those that are in the index already are found twice, which nobody sees.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, insert, select

from .facts import read_fact
from .tables import flow_run, meta, name_tail

SINCE: Final = "names_again"
"""The fact that the migration writes: when the database was brought up to date, microseconds, UTC."""
AFTER_US: Final = 15 * 60_000_000
"""How long the older servers may go on."""
SLACK_US: Final = 5 * 60_000_000
"""How far clocks may be apart."""


def is_due(conn: Connection, now: int) -> bool:
    """Whether it is to be done, and time for it."""
    since = read_fact(conn, SINCE)
    return since is not None and now >= int(since) + AFTER_US


def note_again(conn: Connection, now: int) -> None:
    """Does it, once. For one replica at a time: the caller holds the lead."""
    if not is_due(conn, now):
        return
    since = int(read_fact(conn, SINCE) or 0) - SLACK_US
    changed = select(flow_run.c.id, flow_run.c.name).where(flow_run.c.updated >= since).order_by(flow_run.c.id)
    conn.execute(insert(name_tail).from_select(["flow_run_id", "name"], changed))
    conn.execute(delete(meta).where(meta.c.key == SINCE))
