"""A task run as hooks, the runtime context and futures show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flowhand.ids import timed_id
from flowhand.sdk.states import State


@dataclass(slots=True, kw_only=True, eq=False)
class TaskRun:
    """One run of a task, in a flow run or on its own."""

    name: str
    task_key: str
    dynamic_key: str
    """Tells the runs of one task in one flow run apart; the same on every attempt of the flow."""
    id: str = field(default_factory=timed_id)
    flow_run_id: str | None = None
    tags: list[str] = field(default_factory=list[str])
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    run_count: int = 0
    state: State | None = None

    @property
    def state_type(self) -> str | None:
        """The type of its state."""
        return self.state.type if self.state else None

    @property
    def state_name(self) -> str | None:
        """The name of its state."""
        return self.state.name if self.state else None
