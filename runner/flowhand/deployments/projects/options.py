"""What the command line says of a deployment, laid over what the file says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flowhand.deployments.projects.project_file import Entry


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `flowhand deploy` that describe one deployment. None and empty: not given."""

    name: str | None = None
    entrypoint: str | None = None
    description: str | None = None
    version: str | None = None
    tags: list[str] = field(default_factory=list[str])
    concurrency_limit: int | None = None
    collision_strategy: str | None = None
    pool: str | None = None
    work_queue: str | None = None
    job_variables: dict[str, Any] = field(default_factory=dict[str, Any])
    schedules: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    anchor_date: str | None = None
    timezone: str | None = None
    triggers: list[Any] = field(default_factory=list[Any])
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    enforce_parameter_schema: bool | None = None

    @property
    def given(self) -> list[str]:
        """The names of those that were given."""
        return [name for name in self.__slots__ if getattr(self, name) not in (None, [], {})]

    def over(self, entry: Entry) -> Entry:
        """The deployment with these. Lists of schedules, parameters and job variables are added to, the rest is replaced."""
        given = dict(entry.given)
        plain = ("name", "entrypoint", "description", "version", "tags", "enforce_parameter_schema", "triggers")
        given |= {name: getattr(self, name) for name in plain if getattr(self, name) not in (None, [])}
        if self.concurrency_limit is not None:
            strategy = self.collision_strategy
            given["concurrency_limit"] = (
                {"limit": self.concurrency_limit, "collision_strategy": strategy} if strategy else self.concurrency_limit
            )
        if self.parameters:
            given["parameters"] = {**(given.get("parameters") or {}), **self.parameters}
        pool: dict[str, Any] = dict(given.get("work_pool") or {})
        pool |= {"name": self.pool} if self.pool else {}
        pool |= {"work_queue_name": self.work_queue} if self.work_queue else {}
        if self.job_variables:
            pool["job_variables"] = {**(pool.get("job_variables") or {}), **self.job_variables}
        given["work_pool"] = pool
        self._lay_schedules(given)
        return Entry(given, entry.file, entry.place)

    def _lay_schedules(self, given: dict[str, Any]) -> None:
        if self.schedules:
            given["schedules"] = [*(given.get("schedules") or []), *self.schedules]
        laid: list[Any] = []
        for one in given.get("schedules") or []:
            anchor = {"anchor_date": self.anchor_date} if self.anchor_date and "interval" in one else {}
            laid.append({**one, **anchor, **({"timezone": self.timezone} if self.timezone else {})})
        if laid:
            given["schedules"] = laid
