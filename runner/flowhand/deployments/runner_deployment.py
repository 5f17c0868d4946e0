"""A deployment of one flow: when it runs, with what, and where its code is."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from flowhand.deployments.applying import apply_deployment
from flowhand.deployments.entrypoints import entrypoint_of
from flowhand.deployments.placeholders import load_flow_or_placeholder
from flowhand.deployments.schedule_arguments import ScheduleArguments, deployment_schedule
from flowhand.deployments.sources import Storage, flow_from_source
from flowhand.deployments.triggers import automations_of
from flowhand.schedules import DeploymentSchedule, Schedule
from flowhand.sdk.dual import dual
from flowhand.sdk.flow import Flow

CollisionStrategy = Literal["ENQUEUE", "CANCEL_NEW"]


@dataclass(frozen=True, slots=True)
class ConcurrencyLimit:
    """At most `limit` runs of a deployment at once; what is above waits (ENQUEUE) or is cancelled (CANCEL_NEW).

    `grace_period_seconds` is how long a run may take to begin before its place is given to another.
    """

    limit: int
    collision_strategy: CollisionStrategy = "ENQUEUE"
    grace_period_seconds: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.limit, bool) or not isinstance(self.limit, int) or self.limit < 1:
            raise ValueError(f"concurrency_limit is {self.limit!r}; it is a whole number above zero")
        if self.collision_strategy not in ("ENQUEUE", "CANCEL_NEW"):
            raise ValueError(f"collision_strategy is {self.collision_strategy!r}; it is ENQUEUE or CANCEL_NEW")


@dataclass(kw_only=True, eq=False)
class RunnerDeployment:
    """A deployment, known to the API once it was applied. Made by `flow.to_deployment`, `from_flow` or `from_entrypoint`."""

    name: str
    flow_name: str | None = None
    description: str | None = None
    version: str | None = None
    tags: list[str] = field(default_factory=list[str])
    schedule: Any = None
    schedules: list[Any] = field(default_factory=list[Any])
    is_schedule_active: bool | None = None
    paused: bool | None = None
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    entrypoint: str | None = None
    triggers: list[Any] = field(default_factory=list[Any])
    enforce_parameter_schema: bool = False
    storage: Storage | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] = field(default_factory=dict[str, Any])
    concurrency_limit: int | ConcurrencyLimit | None = None
    path: str | None = None
    parameter_openapi_schema: dict[str, Any] = field(default_factory=dict[str, Any])
    pause_is_given: bool = field(default=False, init=False)
    """Whether the author said paused or not: applying again leaves a deployment as it was paused by hand, unless told."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"a deployment's name is {self.name!r}; it is text")
        self.name = Path(self.name).stem if self.name.endswith(".py") else self.name
        self.pause_is_given = self.paused is not None
        self.paused = bool(self.paused)
        if isinstance(self.concurrency_limit, int):
            ConcurrencyLimit(self.concurrency_limit)
        self.deployment_schedules()
        automations_of(self.name, self.triggers)

    @property
    def full_name(self) -> str:
        """`flow/deployment`."""
        return f"{self.flow_name}/{self.name}"

    @property
    def keeps_schedules(self) -> bool:
        """Whether the schedules that the API has stay: a script says all there are."""
        return False

    @property
    def written_pull_steps(self) -> list[dict[str, Any]] | None:
        """Pull steps that were written down as such; None: the storage says them."""
        return None

    def deployment_schedules(self) -> list[DeploymentSchedule]:
        """The schedules as they go to the API. ValueError when they are given twice or are wrong."""
        if self.schedule is not None and self.schedules:
            raise ValueError("schedule and schedules were both given; give one of them")
        if self.schedule is None:
            return [deployment_schedule(item) for item in self.schedules]
        one = deployment_schedule(self.schedule)
        one.active = one.active if self.is_schedule_active is None else self.is_schedule_active
        return [one]

    # --- made from ---------------------------------------------------------------------------------------------------------------------

    @classmethod
    def from_flow(
        cls,
        flow: Flow[..., Any],
        name: str,
        interval: Any = None,
        cron: str | Sequence[str] | None = None,
        rrule: str | Sequence[str] | None = None,
        schedule: Schedule | DeploymentSchedule | None = None,
        parameters: Mapping[str, Any] | None = None,
        triggers: Sequence[Any] | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        version: str | None = None,
        enforce_parameter_schema: bool = False,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        job_variables: Mapping[str, Any] | None = None,
        *,
        schedules: Sequence[Any] | None = None,
        paused: bool | None = None,
        is_schedule_active: bool | None = None,
        concurrency_limit: int | ConcurrencyLimit | None = None,
        anchor_date: Any = None,
        timezone: str | None = None,
    ) -> RunnerDeployment:
        """A deployment of a flow; `name` may be `__file__`, its stem counts. Nothing is sent to the API.

        `interval` is seconds or a timedelta, `anchor_date` its start; each of interval, cron and rrule may be a list. ValueError for
        schedules given in two ways, and for a flow that no other process could load.
        """
        times = ScheduleArguments(interval, cron, rrule, schedule, schedules, anchor_date, timezone).read()
        single = schedule is not None or (times and is_schedule_active is not None and len(times) == 1)
        return cls(
            name=Path(name).stem if isinstance(name, str) and name.endswith(".py") else name,
            flow_name=flow.name,
            description=description if description is not None else flow.description,
            version=version if version is not None else flow.version,
            tags=list(tags or ()),
            schedule=times[0] if single else None,
            schedules=[] if single else times,
            is_schedule_active=is_schedule_active,
            paused=paused,
            parameters=dict(parameters or {}),
            entrypoint=entrypoint_of(flow),
            triggers=list(triggers or ()),
            enforce_parameter_schema=enforce_parameter_schema,
            storage=flow.storage,
            work_pool_name=work_pool_name,
            work_queue_name=work_queue_name,
            job_variables=dict(job_variables or {}),
            concurrency_limit=concurrency_limit,
            path=flow.source_path,
            parameter_openapi_schema=flow.parameters,
        )

    @classmethod
    def from_entrypoint(cls, entrypoint: str, name: str, interval: Any = None, **options: Any) -> RunnerDeployment:
        """A deployment of the flow at an entrypoint, counted from the working directory; takes what `from_flow` takes.

        A flow whose imports are missing here still yields one, its schema read from the source. FlowLoadError when there is no such flow.
        """
        made = made_of(load_flow_or_placeholder(entrypoint), name, {"interval": interval, **options})
        made.path = str(Path.cwd())
        return made

    @classmethod
    @dual
    async def from_storage(cls, storage: Storage, entrypoint: str, name: str, interval: Any = None, **options: Any) -> RunnerDeployment:
        """A deployment of the flow at an entrypoint in a storage object; takes what `from_flow` takes.

        The code is pulled into a temporary folder to look at the flow, which is gone afterwards, also when pulling fails.
        """
        return made_of(await flow_from_source(storage, entrypoint), name, {"interval": interval, **options})

    # --- the API -----------------------------------------------------------------------------------------------------------------------

    @dual
    async def apply(self, work_pool_name: str | None = None, image: str | None = None) -> str:
        """Creates the deployment or brings it up to date, and answers its id. The arguments win over the fields.

        ValueError for an image, a queue or job variables without a pool; DeploymentApplyError when the API refuses.
        """
        return await apply_deployment(self, work_pool_name, image)


def made_of(flow: Flow[..., Any], name: str, options: Mapping[str, Any]) -> RunnerDeployment:
    """`RunnerDeployment.from_flow`; a TypeError for an option that it does not take says which was meant."""
    known = list(inspect.signature(RunnerDeployment.from_flow).parameters)[2:]
    for option in options.keys() - set(known):
        near = difflib.get_close_matches(option, known, 1)
        hint = f", did you mean {near[0]!r}?" if near else f"; it takes {', '.join(known)}"
        raise TypeError(f"a deployment of flow {flow.name!r} takes no option {option!r}{hint}")
    return RunnerDeployment.from_flow(flow, name, **options)
