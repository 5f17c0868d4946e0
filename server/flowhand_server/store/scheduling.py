"""Putting the runs of schedules into the table, and putting right what an outage left behind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, Connection, RowMapping, or_, select, text, update

from flowhand.clock import to_datetime, to_micros
from flowhand.wire.deployments import ScheduleNow
from flowhand.wire.schedules import occurrences
from flowhand.wire.states import StateType
from flowhand_server.orchestration.slots import NEVER_US, missed_slots, plan, wanted
from flowhand_server.orchestration.state import Proposal, scheduled

from .flow_runs import DEPLOYMENT_LABEL, NewRun, create_flow_runs
from .runs import StateWriter, load_runs
from .tables import deployment, deployment_schedule, work_queue

BATCH: Final = 100
"""Schedules that one transaction works on."""
_s, _d = deployment_schedule.c, deployment.c
_COLUMNS: Final = (
    _s.id,
    _s.deployment_id,
    _s.schedule,
    _s.max_scheduled_runs,
    _s.parameters.label("s_parameters"),
    _s.slug,
    _s.catchup,
    _s.scheduled_until,
    _d.flow_id,
    _d.version,
    _d.parameters,
    _d.tags,
    _d.labels,
    _d.infrastructure_document_id,
    _d.work_queue_id,
    _d.work_queue_name,
    work_queue.c.work_pool_id,
)
_SWITCHED_ON: Final = (
    select(*_COLUMNS)
    .join_from(deployment_schedule, deployment, _d.id == _s.deployment_id)
    .outerjoin(work_queue, work_queue.c.id == _d.work_queue_id)
    .where(_s.active)
    .order_by(_s.id)
)
_ACTIVE: Final = _SWITCHED_ON.where(~_d.paused)


def _needed(now: int) -> ColumnElement[bool]:
    return or_(_s.scheduled_at.is_(None), _s.look_at <= now, _d.updated >= _s.scheduled_at, _s.updated >= _s.scheduled_at)


def any_schedule(conn: Connection) -> bool:
    """Whether there is an active schedule at all."""
    return conn.execute(_ACTIVE.limit(1)).first() is not None


def schedules_due(conn: Connection, now: int) -> bool:
    """Whether any schedule needs more runs."""
    return conn.execute(_ACTIVE.where(_needed(now)).limit(1)).first() is not None


def schedule_runs(conn: Connection, now: int) -> int:
    """Gives a batch of schedules the runs they need. Idempotent: (deployment, schedule, slot) is unique. How many schedules it were."""
    rows = conn.execute(_ACTIVE.where(_needed(now)).limit(BATCH)).mappings().all()
    for row in rows:
        _schedule_one(conn, row, now)
    return len(rows)


def _schedule_one(conn: Connection, row: RowMapping, now: int) -> None:
    try:
        planned = plan(row["schedule"], now)
    except ValueError:
        # the API refuses wrong schedules; one that an older version let in must not stop the others
        planned = None
    slots = planned.slots if planned else []
    most = row["max_scheduled_runs"]
    create_flow_runs(conn, row["flow_id"], [_new_run(row, slot) for slot in (slots if most is None else slots[:most])], now)
    noted = {"scheduled_at": now, "look_at": planned.look_at if planned else NEVER_US, "scheduled_until": slots[-1] if slots else None}
    conn.execute(update(deployment_schedule).where(_s.id == row["id"]).values(**noted))


_DAY_US: Final = 86_400_000_000
_HOUR_US: Final = _DAY_US // 24


def schedule_span(conn: Connection, deployment_id: str, asked: ScheduleNow, now: int) -> None:
    """Gives a deployment's schedules the runs of a span of time, in the past too, whether it is paused or not (contract 5.1).

    Each schedule gets those from `start_time` (now) to `end_time` (100 days later): at most `max_runs` (100), and no more than it takes to
    have `min_runs` (3) and to reach `min_time` seconds (3600) behind the start. Idempotent.
    """
    start = to_micros(asked.start_time) if asked.start_time else now
    end = to_micros(asked.end_time) if asked.end_time else start + 100 * _DAY_US
    reached = start + (_HOUR_US if asked.min_time is None else round(asked.min_time * 1e6))
    least, most = (default if given is None else given for given, default in ((asked.min_runs, 3), (asked.max_runs, 100)))
    for row in conn.execute(_SWITCHED_ON.where(_d.id == deployment_id)).mappings().all():
        slots = occurrences(row["schedule"], start, most, end)
        enough = next((place for place, slot in enumerate(slots, 1) if place >= least and slot >= reached), len(slots))
        create_flow_runs(conn, row["flow_id"], [_new_run(row, slot) for slot in slots[:enough]], now)


def _new_run(row: RowMapping, slot: int) -> NewRun:
    kind = next((name for key, name in _KINDS.items() if row["schedule"].get(key) is not None), "Schedule")
    return NewRun(
        flow_id=row["flow_id"],
        state=scheduled(slot, message="Flow run scheduled"),
        deployment_id=row["deployment_id"],
        work_pool_id=row["work_pool_id"],
        work_queue_id=row["work_queue_id"],
        work_queue_name=row["work_queue_name"],
        deployment_version=row["version"],
        parameters={**row["parameters"], **(row["s_parameters"] or {})},
        tags=["auto-scheduled", *row["tags"]],
        labels={**row["labels"], "prefect.flow.id": row["flow_id"], DEPLOYMENT_LABEL: row["deployment_id"]},
        idempotency_key=f"scheduled {row['deployment_id']} {row['id']} {to_datetime(slot)}",
        auto_scheduled=True,
        infrastructure_document_id=row["infrastructure_document_id"],
        created_by={"id": row["id"], "type": "SCHEDULE", "display_value": row["slug"] or kind},
    )


_KINDS: Final = {"interval": "IntervalSchedule", "cron": "CronSchedule", "rrule": "RRuleSchedule"}


# --- after an outage -----------------------------------------------------------------------------------------------------------------


def make_up_for_outage(conn: Connection, since: int, now: int) -> int:
    """The server was away since `since` (microseconds, UTC): has each schedule's missed slots run as it declares. How many were skipped."""
    skipped = 0
    for row in conn.execute(_ACTIVE.where(_s.scheduled_at.is_not(None))).mappings().all():
        try:
            missed = missed_slots(row["schedule"], since, now)
        except ValueError:
            continue
        keep = wanted(missed, row["catchup"], now)
        create_flow_runs(conn, row["flow_id"], [_new_run(row, slot) for slot in sorted(keep)], now)
        skipped += _skip(conn, row["deployment_id"], {row["id"]: keep}, since, now)
    return skipped


def make_up_for_absence(conn: Connection, deployment_ids: Iterable[str], since: int, now: int) -> int:
    """Nobody took the runs of these deployments since `since`: of each schedule only those go on that its catch-up wants."""
    skipped = 0
    for deployment_id in deployment_ids:
        waiting = _waiting(conn, deployment_id, since, now)
        if len(waiting) < 2:
            continue
        catchups = {row.id: row.catchup for row in conn.execute(select(_s.id, _s.catchup).where(_s.deployment_id == deployment_id))}
        slots: dict[str, list[int]] = {}
        for _, schedule_id, slot in waiting:
            slots.setdefault(schedule_id, []).append(slot)
        keep = {schedule_id: wanted(found, catchups.get(schedule_id), now) for schedule_id, found in slots.items()}
        skipped += _skip(conn, deployment_id, keep, since, now)
    return skipped


_WAITING: Final = text(
    "SELECT id, next_scheduled_start_time AS slot, created_by FROM flow_run WHERE state_type = 'SCHEDULED' AND deployment_id = :deployment "
    "AND next_scheduled_start_time > :since AND next_scheduled_start_time <= :now AND auto_scheduled = true"
).columns(created_by=deployment.c.created_by.type)


def _waiting(conn: Connection, deployment_id: str, since: int, now: int) -> list[tuple[str, str, int]]:
    """Runs that are due of a deployment's schedules: id, schedule, slot."""
    rows = conn.execute(_WAITING, {"deployment": deployment_id, "since": since, "now": now})
    return [(row.id, (row.created_by or {}).get("id", ""), row.slot) for row in rows]


def _skip(conn: Connection, deployment_id: str, keep: dict[str, set[int]], since: int, now: int) -> int:
    """Ends the waiting runs of these schedules whose slot is not to be kept."""
    waiting = _waiting(conn, deployment_id, since, now)
    unwanted = [run_id for run_id, schedule_id, slot in waiting if schedule_id in keep and slot not in keep[schedule_id]]
    writer = StateWriter(conn, now)
    message = "Missed while nobody could run it; its schedule catches up with what it declares (the latest slot, if nothing else)."
    for run in load_runs(conn, unwanted).values():
        if run.state_type == StateType.SCHEDULED:
            writer.enter(run, Proposal(StateType.CANCELLED, "Skipped", message))
    writer.flush()
    return len(unwanted)
