"""What everybody in a simulation shares: the seed's random numbers, the loop, true time, and the trace."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from .loop import SimLoop

WALL_AT_START: Final = 1_750_000_000.0
"""Seconds since the epoch at which each simulation begins."""


@dataclass(slots=True)
class World:
    """One simulation's surroundings."""

    seed: int
    loop: SimLoop
    random: random.Random = field(init=False)
    trace: list[tuple[float, str, str]] = field(default_factory=list[tuple[float, str, str]])
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Ids by a short name, so that a trace reads the same at each replay."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def now(self) -> float:
        """True seconds since the simulation began."""
        return self.loop.time()

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens now."""
        return probability > 0 and self.random.random() < probability

    def note(self, who: str, what: str) -> None:
        """Adds to the trace."""
        self.trace.append((self.loop.time(), who, what))

    def name(self, run_id: str) -> str:
        """A run's short name."""
        return self.names.get(run_id, run_id)

    def story(self) -> str:
        """The trace as text, ids by their short names."""
        lines = "\n".join(f"{at:9.3f}  {who:<10} {what}" for at, who, what in self.trace)
        for long, short in self.names.items():
            lines = lines.replace(long, short)
        return lines


@dataclass(slots=True)
class SimClock:
    """A machine's clocks. Its wall clock may jump; its boot clock begins anew with each boot."""

    world: World
    jumped: float = 0.0
    """Seconds by which wall time is wrong."""
    booted: float = -1000.0
    """When the machine came up, in true seconds."""

    def now_us(self) -> int:
        """See flowhand.clock.Clock."""
        return round((WALL_AT_START + self.world.now() + self.jumped) * 1_000_000)

    def monotonic(self) -> float:
        """See flowhand.clock.Clock."""
        return self.world.now()

    def boottime(self) -> float:
        """See flowhand.clock.Clock."""
        return self.world.now() - self.booted
