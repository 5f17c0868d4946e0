"""Whether the container engine answers, where runs of this home are in containers: without it nobody can say how they end."""

from __future__ import annotations

from collections.abc import Iterator

from flowhand.daemon.finding import Finding, Level
from flowhand.deployments.images.engine import engine
from flowhand.errors import EngineUnavailable
from flowhand.execution.containers.handover import Folder
from flowhand.execution.containers.removing import PATIENCE_S
from flowhand.settings import Settings


def check_engine(settings: Settings) -> Iterator[Finding]:
    """Asks it, but only where a container is waited for."""
    waiting = [path for path in (settings.home / "instances").glob("*/containers/*") if not Folder(path).finished]
    if not waiting:
        return
    try:
        with engine(PATIENCE_S):
            yield Finding(Level.OK, "container engine", f"it answers; {len(waiting)} run(s) are in containers")
    except EngineUnavailable as error:
        found = f"{error}. {len(waiting)} run(s) are in containers, and none is given up while its lease holds"
        advice = "start the engine; the worker asks it at least every half minute, and goes on with what still runs"
        yield Finding(Level.PROBLEM, "container engine", found, advice)
