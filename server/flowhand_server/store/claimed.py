"""The answer to a claim: each run with all that is needed to start it, so that no further request is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from flowhand.wire.pool_types import AGENTS
from flowhand.wire.runner import ClaimedRun, DeploymentBrief, RetryPolicy
from flowhand_server.orchestration.job_configuration import Interruption, interruption, job_configuration, merged_variables
from flowhand_server.orchestration.state import RunFacts

from .prepared import Prepared, among
from .tables import deployment, flow, flow_run, work_pool, work_queue

_r, _d = flow_run.c, deployment.c
_RUNS: Final = Prepared(
    select(
        _r.id,
        _r.name,
        _r.flow_id,
        flow.c.name.label("flow_name"),
        _r.deployment_id,
        _r.parameters,
        _r.tags,
        _r.labels,
        _r.job_variables,
        _r.empirical_policy,
        _r.run_count,
        _r.interruptions,
        _r.infrastructure_document_id,
        _r.work_pool_id,
        work_queue.c.name.label("queue_name"),
    )
    .join_from(flow_run, flow, flow.c.id == _r.flow_id)
    .outerjoin(work_queue, work_queue.c.id == _r.work_queue_id)
    .where(among(_r.id, "ids"))
)
_DEPLOYMENTS: Final = Prepared(
    select(
        _d.id,
        _d.name,
        _d.version,
        _d.entrypoint,
        _d.path,
        _d.pull_steps,
        _d.job_variables,
        _d.storage_document_id,
    ).where(_d.id.in_(select(_r.deployment_id).where(among(_r.id, "ids"))))
)
_POOLS: Final = Prepared(
    select(work_pool.c.id, work_pool.c.name, work_pool.c.type, work_pool.c.base_job_template).where(
        work_pool.c.id.in_(select(_r.work_pool_id).where(among(_r.id, "ids")))
    )
)


@dataclass(frozen=True, slots=True)
class Briefing:
    """A run's row, and what it is to be started with."""

    row: Any
    deployment: DeploymentBrief | None
    pool: str | None
    job: dict[str, Any]
    interruption: Interruption


class Briefs:
    """What starting some runs needs, under way."""

    def __init__(self, conn: Connection, run_ids: Sequence[str]) -> None:
        self._asked = [statement.ask(conn, ids=run_ids) for statement in (_RUNS, _DEPLOYMENTS, _POOLS)]

    def briefings(self) -> dict[str, Briefing]:
        """What came of it, by run id."""
        rows, *others = (asked.all() for asked in self._asked)
        deployments, pools = ({row.id: row for row in found} for found in others)
        return {row.id: _briefing(row, deployments.get(row.deployment_id), pools.get(row.work_pool_id)) for row in rows}


def claimed_run(briefing: Briefing, attempt: int, due: int, now: int, lease_s: float) -> ClaimedRun:
    """The run as it is handed out."""
    row = briefing.row
    policy: Mapping[str, Any] = row.empirical_policy or {}
    facts = RunFacts(now=now, policy=policy)
    return ClaimedRun(
        run_id=row.id,
        attempt=attempt,
        run_count=row.run_count + (0 if policy.get("resuming") else 1),
        name=row.name,
        flow_id=row.flow_id,
        flow_name=row.flow_name,
        parameters=row.parameters,
        tags=row.tags,
        labels=row.labels,
        scheduled_us=due,
        start_in_s=(due - now) / 1_000_000,
        lease_s=lease_s,
        deployment=briefing.deployment,
        work_pool=briefing.pool,
        work_queue=row.queue_name,
        job=briefing.job,
        retry=RetryPolicy(retries=facts.retries, retry_delay_s=facts.retry_delay_us / 1_000_000),
        crash_policy=briefing.interruption.policy,
        interruptions=row.interruptions,
        max_interruptions=briefing.interruption.at_most,
    )


def _briefing(row: Any, deployed: Any, pool: Any) -> Briefing:
    variables = merged_variables(deployed.job_variables if deployed else None, row.job_variables)
    job = job_configuration(pool.base_job_template if pool else None, variables)
    return Briefing(row, _about(row, deployed, pool), pool.name if pool else None, job, interruption(variables))


def _about(row: Any, deployed: Any, pool: Any) -> DeploymentBrief | None:
    """The infrastructure block counts in pools of agents alone: others say themselves how runs are executed."""
    if deployed is None:
        return None
    block = row.infrastructure_document_id if pool is not None and pool.type == AGENTS else None
    return DeploymentBrief.model_validate({**deployed._asdict(), "infrastructure_document_id": block})
