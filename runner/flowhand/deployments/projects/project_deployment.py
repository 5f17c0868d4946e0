"""A deployment of a project file, ready to be applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flowhand.deployments.projects.project_file import Steps
from flowhand.deployments.runner_deployment import RunnerDeployment
from flowhand.schedules import DeploymentSchedule


@dataclass(kw_only=True, eq=False)
class ProjectDeployment(RunnerDeployment):
    """One whose schedules and pull steps were written down: schedules may count, and None of them leaves those that the API has."""

    ready_schedules: list[DeploymentSchedule] | None = None
    pull: Steps = field(default_factory=list[dict[str, Any]])

    def deployment_schedules(self) -> list[DeploymentSchedule]:
        return self.ready_schedules or []

    @property
    def keeps_schedules(self) -> bool:
        return self.ready_schedules is None

    @property
    def written_pull_steps(self) -> Steps:
        return self.pull
