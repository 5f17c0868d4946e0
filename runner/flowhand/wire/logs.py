"""Bodies of `/logs` (contract 7)."""

from __future__ import annotations

from datetime import datetime

from flowhand.wire.body import Entity, Id, Moment, Request


class LogCreate(Request):
    """One log line. `level` is a number as the standard library's logging has it."""

    name: str
    level: int
    message: str
    timestamp: Moment
    flow_run_id: Id | None = None
    task_run_id: Id | None = None


class Log(Entity):
    """A stored log line."""

    name: str
    level: int
    message: str
    timestamp: datetime
    flow_run_id: str | None = None
    task_run_id: str | None = None
