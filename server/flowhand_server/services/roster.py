"""Which services a server runs."""

from __future__ import annotations

from flowhand.clock import WatchedClock
from flowhand_server.config import ServerConfig
from flowhand_server.store import deployment_slots
from flowhand_server.store.store import Store

from . import expiry, foreman, late
from .reaper import Reaper
from .retention import Retention
from .scheduler import Scheduler
from .service import Rounds, Service


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
        Rounds("late marker", store, clock, 5.0, late.due, late.mark),
        Rounds("expiry", store, clock, 5.0, expiry.due, expiry.expire),
        Rounds("slot leases", store, clock, 5.0, deployment_slots.any_over, deployment_slots.sweep),
        Rounds("foreman", store, clock, 15.0, foreman.due, foreman.inspect),
    ]
