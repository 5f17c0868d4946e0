"""What a daemon is asked to do: the options of `worker start` and of `serve`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from flowhand.settings import Settings


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """`worker start`. None means: from the settings."""

    work_pool: str
    name: str | None = None
    work_queues: list[str] = field(default_factory=list[str])
    limit: int | None = None
    prefetch_s: float | None = None
    type: str | None = None
    run_once: bool = False
    with_healthcheck: bool = False
    create_pool: bool = True
    base_job_template: Path | None = None


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """`serve`: the ids of what it serves, and the script it is."""

    deployments: list[str]
    name: str
    limit: int | None = None
    poll_s: float | None = None
    webserver: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What the composition needs, whichever command it came from. Durations in seconds."""

    settings: Settings
    kind: str
    name: str
    identity: str
    """What makes it the same instance at the next start."""
    work_pool: str | None
    work_queues: list[str]
    deployments: list[str]
    limit: int
    prefetch_s: float
    run_once: bool
    tells_health: bool
    echo: bool
    cwd: Path
    bounded_by_machine: bool = False
    """Nobody has set the limit: it is a bound from cores and memory."""
    poll_s: float = 10.0
    """Between polls where no long poll can be held."""
    pool_type: str | None = None
    """The type of the work pool."""
