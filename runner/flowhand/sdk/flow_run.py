"""A flow run as hooks, the runtime context and `run_deployment` show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flowhand.ids import new_id
from flowhand.sdk.states import State


@dataclass(slots=True, kw_only=True, eq=False)
class FlowRun:
    """One run of a flow. Times are aware datetimes in UTC."""

    id: str = field(default_factory=new_id)
    name: str = ""
    flow_id: str | None = None
    flow_name: str = ""
    flow_version: str | None = None
    deployment_id: str | None = None
    deployment_name: str | None = None
    deployment_version: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    tags: list[str] = field(default_factory=list[str])
    labels: dict[str, Any] = field(default_factory=dict[str, Any])
    run_count: int = 1
    """How often it has begun, this time included."""
    expected_start_time: datetime = field(default_factory=lambda: datetime.now(UTC))
    parent_flow_run_id: str | None = None
    parent_task_run_id: str | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    idempotency_key: str | None = None
    job_variables: dict[str, Any] = field(default_factory=dict[str, Any])
    state: State | None = None

    @property
    def state_type(self) -> str | None:
        """The type of its state."""
        return self.state.type if self.state else None

    @property
    def state_name(self) -> str | None:
        """The name of its state."""
        return self.state.name if self.state else None
