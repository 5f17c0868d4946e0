"""Until when an attempt may live if nothing more is heard of its daemon (docs/protocol.md, Crash policy)."""

from __future__ import annotations

from flowhand.clock import Clock
from flowhand.daemon.run import Run
from flowhand.wire.runner import SessionReply


def kill_at(run: Run, session: SessionReply, clock: Clock) -> float:
    """The CLOCK_BOOTTIME second at which the keeper ends it: under `retry` before its lease does, else after the grace."""
    if run.claimed.crash_policy == "retry":
        return run.lease_until - session.margin_s
    return clock.boottime() + session.grace_s
