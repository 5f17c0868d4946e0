"""Which services a server runs."""

from __future__ import annotations

from typing import Final

from flowhand.clock import WatchedClock
from flowhand_server.config import ServerConfig
from flowhand_server.store import deployment_slots, slots
from flowhand_server.store.store import Store

from . import expiry, foreman, late
from .chores import Chore, Chores
from .namer import Namer
from .reaper import Reaper
from .retention import Retention
from .scheduler import Scheduler
from .service import Service

CHORES: Final = (
    Chore("late marker", late.due, late.mark),
    Chore("expiry", expiry.due, expiry.expire),
    Chore("slot leases", deployment_slots.any_over, deployment_slots.sweep),
    Chore("leases by name", slots.any_expired, slots.collect_expired),
    Chore("foreman", foreman.due, foreman.inspect),
)


def services_of(store: Store, config: ServerConfig, clock: WatchedClock) -> list[Service]:
    """Every service that a server runs."""
    scheduler = Scheduler(store, clock)
    reaper = Reaper(store, clock, config)
    store.listen(scheduler.notice)
    store.listen(reaper.notice)
    return [
        scheduler,
        reaper,
        Retention(store, clock, config.retention_days),
        Chores(store, clock, CHORES),
        Namer(store, clock),
    ]
