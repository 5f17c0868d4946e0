"""The engine's transactions, on every kind of database: what is counted, what fires, what is done, and that nothing is done twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, select, update

from flowhand.clock import to_datetime, to_iso
from flowhand.ids import new_id, timed_id
from flowhand.wire.automations import AutomationCreate, AutomationUpdate, MetricTrigger
from flowhand.wire.blocks import BlockDocumentCreate, BlockSchemaCreate
from flowhand.wire.events import Event
from flowhand.wire.states import StateType
from flowhand.wire.variables import VariableCreate
from flowhand_server.automations import evaluating, figures, outside, performing
from flowhand_server.automations.chains import ROUNDS
from flowhand_server.automations.engine import react
from flowhand_server.automations.rulebook import Rulebook
from flowhand_server.orchestration.state import propose
from flowhand_server.services import foreman
from flowhand_server.store import automations, block_documents, block_types, events
from flowhand_server.store import tables as t
from flowhand_server.store.announcing import announce_states
from flowhand_server.store.flow_runs import NewRun, create_flow_run, propose_state
from flowhand_server.store.notices import Notice
from flowhand_server.store.presence import queues_polled, worker_gone, worker_seen
from flowhand_server.store.store import Store
from flowhand_server.store.variables import create_variable
from flowhand_server.vault import Vault
from support.databases import make_deployment, make_flow, make_pool, open_store

pytestmark = pytest.mark.anyio
NOW = 1_700_000_000_000_000
SECOND = 1_000_000
on_sqlite_alone = pytest.mark.parametrize("where", ["sqlite"], indirect=True)
"""For rules that are the same wherever their rows are kept."""


class Bench:
    """A store, the rulebook of one server, and a clock that is set by hand."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.rulebook = Rulebook()
        self.now = NOW

    async def automation(self, trigger: dict[str, Any], *actions: dict[str, Any], **fields: Any) -> str:
        body = {"name": "a", "trigger": trigger, "actions": list(actions) or [{"type": "do-nothing"}], **fields}
        return (await self.store.write(automations.create_automation, AutomationCreate.model_validate(body), self.now))["id"]

    async def happens(self, name: str, resource: str = "shop.1", *, at: float = 0.0, **payload: Any) -> str:
        """An event, stored and looked at; `at` in seconds from the beginning."""
        self.now = max(self.now, NOW + round(at * SECOND))
        event = Event(
            id=timed_id(),
            occurred=to_datetime(NOW + round(at * SECOND)),
            event=name,
            resource={"prefect.resource.id": resource},
            payload=payload,
        )
        await self.store.write(events.add_events, [event], self.now)
        await self.react()
        return event.id

    async def react(self) -> None:
        for _ in range(200):
            if not await self.store.write(react, self.rulebook, self.now):
                return
        raise AssertionError("it goes on and on")

    async def told(self, name: str) -> list[dict[str, Any]]:
        """The events of this name, the oldest first."""

        def read(conn: Connection) -> list[dict[str, Any]]:
            rows = conn.execute(select(t.event).where(t.event.c.event == name).order_by(t.event.c.cursor)).mappings()
            return [events.form(row) for row in rows]

        return await self.store.read(read)

    async def firings(self) -> int:
        return len(await self.told("prefect.automation.triggered"))

    async def runs(self, deployment: str) -> list[dict[str, Any]]:
        def read(conn: Connection) -> list[dict[str, Any]]:
            found = select(t.flow_run).where(t.flow_run.c.deployment_id == deployment).order_by(t.flow_run.c.created)
            return [dict(row) for row in conn.execute(found).mappings()]

        return await self.store.read(read)


@pytest.fixture
async def bench(store: Store) -> Bench:
    return Bench(store)


def on(*names: str, **fields: Any) -> dict[str, Any]:
    return {"type": "event", "posture": "Reactive", "expect": list(names), **fields}


def run(deployment: str, **fields: Any) -> dict[str, Any]:
    return {"type": "run-deployment", "source": "selected", "deployment_id": deployment, **fields}


async def test_events_that_no_automation_looks_at_wake_no_engine(bench: Bench) -> None:
    """Their notice says so, until an automation is enabled; those of the engine's own always wake it, since actions may wait."""
    heard: list[Notice] = []
    bench.store.listen(lambda notices: heard.extend(notice for notice in notices if notice.topic == "event"))
    await bench.happens("paid", "shop.1")
    assert [notice.served for notice in heard] == [True]
    heard.clear()
    _, deployment = await bench.store.write(make_deployment)
    await bench.automation(on("paid"), run(deployment))
    await bench.happens("paid", "shop.2")
    assert heard
    assert not any(notice.served for notice in heard)


async def test_an_event_runs_a_deployment(bench: Bench) -> None:
    """With templates filled in, types kept; the run says who made it; events tell of each step, one following the other."""
    _, deployment = await bench.store.write(make_deployment)
    parameters = {
        "n": "{{ event.payload.n }}",
        "text": "it is {{ event.resource.id }}",
        "deep": [{"all": "{{ event.payload }}"}],
        "plain": 1,
    }
    automation = await bench.automation(on("paid", match={"prefect.resource.id": "shop.*"}), run(deployment, parameters=parameters))
    await bench.happens("paid", "bank.1", n=1)
    event = await bench.happens("paid", "shop.1", n=2)
    (made,) = await bench.runs(deployment)
    assert made["parameters"] == {"n": 2, "text": "it is shop.1", "deep": [{"all": {"n": 2}}], "plain": 1}
    assert made["created_by"] == {"type": "AUTOMATION", "id": automation, "display_value": "a"}
    (triggered,) = await bench.told("prefect.automation.triggered")
    (begun,) = await bench.told("prefect.automation.action.triggered")
    (executed,) = await bench.told("prefect.automation.action.executed")
    assert (triggered["follows"], begun["follows"], executed["follows"]) == (event, event, begun["id"])
    assert triggered["payload"]["triggering_event"]["id"] == event
    assert executed["payload"]["flow_run_id"] == made["id"]
    assert {"prefect.resource.id": f"prefect.flow-run.{made['id']}", "prefect.resource.role": "target"} in executed["related"]


class _ReadTooEarly(Rulebook):
    """A rulebook that was read just before the automations were removed, as by another replica."""

    def refresh(self, conn: Connection) -> None:
        super().refresh(conn)
        conn.execute(delete(t.automation))


@pytest.mark.parametrize("trigger", [{}, {"threshold": 2, "within": 60}])
async def test_an_automation_that_is_removed_meanwhile_is_passed_over(bench: Bench, trigger: dict[str, Any]) -> None:
    """The others go on, and nothing fails."""
    await bench.automation(on("a", **trigger))
    bench.rulebook = _ReadTooEarly()
    await bench.happens("a")
    assert await bench.firings() == 0


async def test_an_event_that_was_stored_twice_counts_once(bench: Bench) -> None:
    """As when a client sends again what it got no answer for."""
    await bench.automation(on("a"))
    event = Event(id=new_id(), occurred=to_datetime(NOW), event="a", resource={"prefect.resource.id": "x"})
    for _ in range(2):
        await bench.store.write(events.add_events, [event], NOW)
        await bench.react()
    assert await bench.firings() == 1


@on_sqlite_alone
async def test_events_of_before_the_automation_do_not_count(bench: Bench) -> None:
    """Nor those that came while it was switched off."""
    await bench.happens("a")
    automation = await bench.automation(on("a"))
    await bench.store.write(automations.switch_automation, automation, False, bench.now + 1)
    await bench.happens("a")
    await bench.store.write(automations.switch_automation, automation, True, bench.now + 2)
    await bench.react()
    assert await bench.firings() == 0
    await bench.happens("a")
    assert await bench.firings() == 1


async def test_replicas_count_every_event_once(where: Path | str, bench: Bench) -> None:
    """Two servers on one database, each with a rulebook of its own, looking at the same time: 60 events, 20 firings of three each."""
    others = [Bench(open_store(where)) for _ in range(2)] if isinstance(where, str) else [bench]
    await bench.automation(on("a", threshold=3))
    batch = [Event(id=timed_id(), occurred=to_datetime(NOW + n), event="a", resource={"prefect.resource.id": f"x.{n}"}) for n in range(60)]

    async def emit() -> None:
        for event in batch:
            await bench.store.write(events.add_events, [event], NOW)

    async def look(replica: Bench) -> None:
        while await bench.firings() < 20:
            await replica.store.write(react, replica.rulebook, NOW)

    await asyncio.wait_for(asyncio.gather(emit(), *(look(replica) for replica in [bench, *others])), 60)
    await bench.react()
    assert await bench.firings() == 20
    for replica in others:
        if replica is not bench:
            await replica.store.close()


async def test_what_was_counted_survives_a_restart(where: Path | str, bench: Bench) -> None:
    """Another server goes on where the first one stopped: two of three events before, the third after."""
    await bench.automation(on("a", threshold=3, within=60))
    await bench.happens("a", at=1)
    await bench.happens("a", at=2)
    await bench.store.close()
    after = Bench(open_store(where))
    await after.happens("a", at=3)
    assert await after.firings() == 1
    await after.store.close()


async def test_events_that_came_to_a_dying_server_are_looked_at_by_the_next(where: Path | str, bench: Bench) -> None:
    """They were stored, and nobody looked; what they lead to is done."""
    await bench.automation(on("a"))
    event = Event(id=timed_id(), occurred=to_datetime(NOW), event="a", resource={"prefect.resource.id": "x"})
    await bench.store.write(events.add_events, [event], NOW)
    await bench.store.close()
    after = Bench(open_store(where))
    await after.react()
    assert await after.firings() == 1
    await after.store.close()


@on_sqlite_alone
async def test_each_group_is_counted_apart(bench: Bench) -> None:
    """Two events of each of two resources fire twice; the group is told of."""
    await bench.automation(on("a", threshold=2, for_each=["prefect.resource.id"]))
    for resource in ("x", "y", "x", "y"):
        await bench.happens("a", resource)
    assert [event["payload"]["triggering_labels"]["prefect.resource.id"] for event in await bench.told("prefect.automation.triggered")] == [
        "x",
        "y",
    ]


async def test_the_absence_of_an_event_fires(bench: Bench) -> None:
    """A window opens by itself; the event keeps it quiet; silence fires, again and again."""
    await bench.automation(on("beat", within=30) | {"posture": "Proactive"})
    assert await bench.store.write(evaluating.open_windows, bench.rulebook, NOW) == 1
    assert await bench.store.write(evaluating.open_windows, bench.rulebook, NOW) == 0
    await bench.happens("beat", at=20)
    assert await bench.store.read(evaluating.next_end) == NOW + 30 * SECOND
    for at, firings in ((29, 0), (30, 0), (60, 1), (90, 2)):
        await bench.store.write(evaluating.end_windows, bench.rulebook, NOW + at * SECOND)
        await bench.react()
        assert await bench.firings() == firings


@on_sqlite_alone
async def test_an_event_that_waits_is_counted_before_its_absence_is_judged(bench: Bench) -> None:
    """The window has ended by the clock, but what came in time has not been looked at yet."""
    await bench.automation(on("beat", within=30) | {"posture": "Proactive"})
    await bench.store.write(evaluating.open_windows, bench.rulebook, NOW)
    event = Event(id=timed_id(), occurred=to_datetime(NOW + SECOND), event="beat", resource={"prefect.resource.id": "x"})
    await bench.store.write(events.add_events, [event], NOW)
    assert await bench.store.write(evaluating.end_windows, bench.rulebook, NOW + 31 * SECOND) == 0
    await bench.react()
    await bench.store.write(evaluating.end_windows, bench.rulebook, NOW + 31 * SECOND)
    assert await bench.firings() == 0


@on_sqlite_alone
@pytest.mark.parametrize(
    ("composite", "happenings", "firings"),
    [
        ({"type": "compound", "require": "all"}, "ab", 1),
        ({"type": "compound", "require": "all"}, "ba", 1),
        ({"type": "compound", "require": "all"}, "aab", 1),
        ({"type": "compound", "require": "any"}, "ab", 2),
        ({"type": "compound", "require": 2}, "aa", 0),
        ({"type": "compound", "require": 2}, "abba", 2),
        ({"type": "sequence"}, "ab", 1),
        ({"type": "sequence"}, "ba", 0),
        ({"type": "sequence"}, "bab", 1),
    ],
)
async def test_a_composite_fires_when_its_parts_have(bench: Bench, composite: dict[str, Any], happenings: str, firings: int) -> None:
    """Any, all, a number, or one after the other."""
    await bench.automation({**composite, "triggers": [on("a"), on("b")], "within": None})
    for at, name in enumerate(happenings):
        await bench.happens(name, at=at)
    assert await bench.firings() == firings


@on_sqlite_alone
async def test_the_parts_of_a_composite_have_to_fire_within_its_time(bench: Bench) -> None:
    """What is older no longer counts; composites may be parts of others."""
    inner = {"type": "compound", "require": "all", "within": 10, "triggers": [on("a"), on("b")]}
    await bench.automation({"type": "sequence", "within": 100, "triggers": [inner, on("c")]})
    await bench.happens("a", at=0)
    await bench.happens("b", at=11)
    await bench.happens("c", at=12)
    assert await bench.firings() == 0
    await bench.happens("a", at=13)
    await bench.happens("c", at=14)
    assert await bench.firings() == 1


async def test_states_of_runs_are_events(bench: Bench) -> None:
    """A failed run of a deployment sets off what watches that deployment."""
    flow, deployment = await bench.store.write(make_deployment)
    related = {"prefect.resource.role": "deployment", "prefect.resource.id": f"prefect.deployment.{deployment}"}
    await bench.automation(on("prefect.flow-run.Failed", match={"prefect.resource.id": "prefect.flow-run.*"}, match_related=related))
    new = NewRun(flow, propose(StateType.PENDING), deployment_id=deployment)
    made = await bench.store.write(create_flow_run, new, NOW)
    await bench.store.write(propose_state, made.id, propose(StateType.RUNNING), NOW + 1, force=True)
    await bench.store.write(propose_state, made.id, propose(StateType.FAILED), NOW + 2, force=True)
    await bench.store.write(announce_states, NOW)
    await bench.react()
    assert await bench.firings() == 1


async def test_a_deployment_that_triggers_itself_is_stopped_and_told_of(bench: Bench) -> None:
    """Every run's end starts the next: after some rounds nothing more is started, and an event says why."""
    flow, deployment = await bench.store.write(make_deployment)
    await bench.automation(on("prefect.flow-run.Completed"), run(deployment))
    first = await bench.store.write(create_flow_run, NewRun(flow, propose(StateType.PENDING), deployment_id=deployment), NOW)
    await bench.store.write(propose_state, first.id, propose(StateType.COMPLETED), NOW, force=True)
    for at in range(1, ROUNDS + 5):
        bench.now = NOW + at * SECOND
        await bench.store.write(announce_states, bench.now)
        await bench.react()
        for made in await bench.runs(deployment):
            if made["state_type"] == "SCHEDULED":
                await bench.store.write(propose_state, made["id"], propose(StateType.COMPLETED), bench.now, force=True)
    assert len(await bench.runs(deployment)) == 1 + 1 + ROUNDS
    (stopped,) = await bench.told("prefect.automation.action.failed")
    assert f"has set itself off {ROUNDS} times within an hour" in stopped["payload"]["reason"]


@on_sqlite_alone
async def test_two_automations_that_set_each_other_off_are_stopped(bench: Bench) -> None:
    """By their own events, without any run in between, though each answers with several."""
    for name in ("one", "two"):
        await bench.automation(on("prefect.automation.*"), name=name)
    await bench.happens("go")
    assert await bench.firings() < 200


@on_sqlite_alone
@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ({"type": "run-deployment", "source": "inferred"}, "the event names no deployment"),
        ({"type": "cancel-flow-run"}, "the event names no flow-run"),
        ({"type": "run-deployment", "source": "selected", "deployment_id": new_id()}, "Deployment not found"),
        ({"type": "pause-work-pool", "source": "selected", "work_pool_id": new_id()}, "Work pool not found"),
    ],
)
async def test_an_action_that_cannot_be_done_is_told_of(bench: Bench, action: dict[str, Any], reason: str) -> None:
    """And does not stop the one behind it."""
    await bench.automation(on("a"), action, {"type": "do-nothing"})
    await bench.happens("a")
    (failed,) = await bench.told("prefect.automation.action.failed")
    assert failed["payload"]["reason"] == reason
    assert [event["payload"]["action_index"] for event in await bench.told("prefect.automation.action.executed")] == [1]


@on_sqlite_alone
async def test_a_template_that_fails_is_told_of(bench: Bench) -> None:
    """With what went wrong; no run is made."""
    _, deployment = await bench.store.write(make_deployment)
    await bench.automation(on("a"), run(deployment, parameters={"x": "{{ 1 / event.payload.n }}"}))
    await bench.happens("a", n=0)
    (failed,) = await bench.told("prefect.automation.action.failed")
    assert "ZeroDivisionError" in failed["payload"]["reason"]
    assert await bench.runs(deployment) == []


async def test_actions_change_pools_queues_deployments_and_automations(bench: Bench) -> None:
    """Those that are selected, and those that the event names."""
    pool, queue = await bench.store.write(make_pool)
    _, deployment = await bench.store.write(make_deployment)
    other = await bench.automation(on("never"), name="other")
    await bench.automation(
        on("stop"),
        {"type": "pause-work-pool", "source": "inferred"},
        {"type": "pause-work-queue", "source": "selected", "work_queue_id": queue},
        {"type": "pause-deployment", "source": "selected", "deployment_id": deployment},
        {"type": "pause-automation", "source": "selected", "automation_id": other},
    )
    await bench.happens("stop", f"prefect.work-pool.{pool}")

    def read(conn: Connection) -> list[Any]:
        found = ((t.work_pool, pool, "is_paused"), (t.work_queue, queue, "is_paused"), (t.deployment, deployment, "paused"))
        paused = [conn.execute(select(table.c[column]).where(table.c.id == key)).scalar() for table, key, column in found]
        return [*paused, not conn.execute(select(t.automation.c.enabled).where(t.automation.c.id == other)).scalar()]

    assert await bench.store.read(read) == [True, True, True, True]


async def test_actions_change_the_run_of_the_event(bench: Bench) -> None:
    """Cancelled, suspended, resumed, put into another state, deleted."""
    flow = await bench.store.write(make_flow)

    async def after(action: dict[str, Any], *states: StateType) -> str | None:
        made = await bench.store.write(create_flow_run, NewRun(flow, propose(states[0])), bench.now)
        for state in states[1:]:
            await bench.store.write(propose_state, made.id, propose(state), bench.now, force=True)
        automation = await bench.automation(on("do"), action)
        await bench.happens("do", f"prefect.flow-run.{made.id}")
        await bench.store.write(automations.delete_automation, automation, bench.now)

        def read(conn: Connection) -> str | None:
            return conn.execute(select(t.flow_run.c.state_name).where(t.flow_run.c.id == made.id)).scalar()

        return await bench.store.read(read)

    assert await after({"type": "cancel-flow-run"}, StateType.PENDING, StateType.RUNNING) in {"Cancelling", "Cancelled"}
    assert await after({"type": "change-flow-run-state", "state": "FAILED", "name": "Bad"}, StateType.RUNNING) == "Bad"
    assert await after({"type": "delete-flow-run"}, StateType.RUNNING) is None
    assert await after({"type": "resume-flow-run"}, StateType.RUNNING, StateType.PAUSED) == "Running"


@on_sqlite_alone
async def test_replacing_an_automation_forgets_what_was_counted(bench: Bench) -> None:
    """The new trigger begins from nothing."""
    automation = await bench.automation(on("a", threshold=2))
    await bench.happens("a")
    body = AutomationUpdate.model_validate({"name": "a", "trigger": on("a", threshold=2), "actions": [{"type": "do-nothing"}]})
    await bench.store.write(automations.replace_automation, automation, body, bench.now + 1)
    await bench.happens("a")
    assert await bench.firings() == 0
    await bench.happens("a")
    assert await bench.firings() == 1


async def test_a_figure_out_of_bounds_fires_once_until_it_is_back(bench: Bench) -> None:
    """Successes below a half for a minute; then back, which has actions of its own."""
    flow, deployment = await bench.store.write(make_deployment)
    related = {"prefect.resource.id": f"prefect.deployment.{deployment}"}
    metric = {"name": "successes", "operator": "<", "threshold": 0.5, "range": 3600, "firing_for": 60}
    await bench.automation(
        {"type": "metric", "match_related": related, "metric": metric}, actions_on_resolve=[{"type": "do-nothing"}], name="figures"
    )

    async def ends(state: StateType, at: int) -> None:
        new = NewRun(flow, propose(StateType.RUNNING), deployment_id=deployment)
        made = await bench.store.write(create_flow_run, new, NOW + at * SECOND)
        await bench.store.write(propose_state, made.id, propose(state), NOW + at * SECOND, force=True)

    async def look(at: int) -> tuple[int, int]:
        measured = await bench.store.read(figures.measure, bench.rulebook, NOW + at * SECOND)
        await bench.store.write(figures.judge, bench.rulebook, measured, NOW + at * SECOND)
        return await bench.firings(), len(await bench.told("prefect.automation.resolved"))

    assert await look(0) == (0, 0)
    await ends(StateType.FAILED, 1)
    assert [await look(at) for at in (2, 30, 63, 120)] == [(0, 0), (0, 0), (1, 0), (1, 0)]
    await ends(StateType.COMPLETED, 130)
    assert [await look(at) for at in (131, 140)] == [(1, 1), (1, 1)]
    assert await bench.store.write(performing.perform, bench.now) == 2


@pytest.mark.parametrize(("name", "value"), [("successes", 0.5), ("duration", 15.0), ("lateness", 5.0)])
async def test_figures_are_those_of_the_runs_that_match(bench: Bench, name: str, value: float) -> None:
    """Means over what ended, or began, in the time that is looked back on; others' runs do not count."""
    flow, deployment = await bench.store.write(make_deployment)
    _, another = await bench.store.write(make_deployment)

    async def ran(of: str, state: StateType, late: int, long: int) -> None:
        made = await bench.store.write(create_flow_run, NewRun(flow, propose(state), deployment_id=of), NOW)
        times = {"expected_start_time": NOW, "start_time": NOW + late * SECOND, "end_time": NOW + (late + long) * SECOND}
        await bench.store.write(lambda conn: conn.execute(update(t.flow_run).where(t.flow_run.c.id == made.id).values(**times)) and None)

    await ran(deployment, StateType.COMPLETED, 2, 10)
    await ran(deployment, StateType.FAILED, 8, 20)
    await ran(another, StateType.FAILED, 500, 500)
    trigger = {
        "type": "metric",
        "match_related": {"prefect.resource.id": f"prefect.deployment.{deployment}"},
        "metric": {"name": name, "operator": ">", "threshold": 0, "range": 3600},
    }
    await bench.automation(trigger)
    await bench.store.read(bench.rulebook.refresh)
    ((_, metric),) = bench.rulebook.metrics()
    assert await bench.store.read(figures.figure, metric, NOW + 60 * SECOND) == pytest.approx(value)
    assert await bench.store.read(figures.figure, metric, NOW + 7200 * SECOND) is None


@on_sqlite_alone
@pytest.mark.parametrize(("by", "seen"), [("deployment", True), ("flow", True), ("tag", True), ("name", False)])
async def test_a_figure_is_of_a_rare_flow_on_a_busy_server(bench: Bench, by: str, seen: bool) -> None:
    """The bound is of the runs that match. The database finds them by what has an id; by a name, as far back as is looked."""
    flow, deployment = await bench.store.write(make_deployment)
    others, another = await bench.store.write(make_deployment)
    for number in range(7):
        rare = number < 2
        new = NewRun(flow if rare else others, propose(StateType.RUNNING), deployment_id=deployment if rare else another)
        new = replace(new, name="rare" if rare else "usual", tags=["rare"] if rare else [])
        made = await bench.store.write(create_flow_run, new, NOW)
        await bench.store.write(propose_state, made.id, propose(StateType.COMPLETED), NOW + (number + 1) * SECOND, force=True)
    match = {"match": {"prefect.resource.name": "rare"}}
    if by != "name":
        key = {"deployment": deployment, "flow": flow, "tag": "rare"}[by]
        match = {"match_related": {"prefect.resource.id": f"prefect.{by}.{key}"}}
    metric = {"name": "duration", "operator": ">", "threshold": 0, "range": 3600}
    trigger = MetricTrigger.model_validate({"type": "metric", "metric": metric, **match})
    now = NOW + 60 * SECOND
    assert await bench.store.read(figures.figure, trigger, now, 1, 3) == (2.0 if seen else None)
    assert await bench.store.read(figures.figure, trigger, now, 1, 10) == 2.0
    assert await bench.store.read(figures.figure, trigger, now) == 1.5


async def test_an_action_that_the_database_refuses_does_not_stop_the_others(bench: Bench) -> None:
    """A state's name that no index takes, and on PostgreSQL a NUL in JSON: told of in words without the statement, and the next is done."""
    flow, deployment = await bench.store.write(make_deployment)
    made = await bench.store.write(create_flow_run, NewRun(flow, propose(StateType.RUNNING), deployment_id=deployment), NOW)
    long = "".join(new_id() for _ in range(300))
    change = {"type": "change-flow-run-state", "state": "FAILED", "name": long}
    await bench.automation(on("a"), run(deployment, parameters={"x": "{{ '\\x00' }}"}), change, {"type": "do-nothing"})
    await bench.happens("a", f"prefect.flow-run.{made.id}")
    failed = [event["payload"]["reason"] for event in await bench.told("prefect.automation.action.failed")]
    executed = [event["payload"]["action_type"] for event in await bench.told("prefect.automation.action.executed")]
    if bench.store.kind == "postgresql":
        assert (len(failed), executed) == (2, ["do-nothing"])
        assert not [reason for reason in failed if "INSERT" in reason or "UPDATE" in reason]
    else:
        assert (failed, len(executed)) == ([], 3)
    await bench.happens("a", f"prefect.flow-run.{made.id}", at=1)
    assert len(await bench.told("prefect.automation.triggered")) == 2


async def test_a_call_outside_is_made_by_one_replica_and_again_when_that_dies(where: Path | str, bench: Bench, tmp_path: Path) -> None:
    """Taken once; when the time of who took it is up, taken again under the same key; concluded once."""
    vault = Vault(tmp_path / "secrets.key")
    block = await bench.store.write(make_webhook, vault)
    await bench.automation(on("a"), {"type": "call-webhook", "block_document_id": block, "payload": "{{ event.event }}"})
    await bench.happens("a")
    taken = await asyncio.gather(*(bench.store.write(outside.take, vault, NOW) for _ in range(3)))
    ((row, first),) = [one for one in taken if one is not None]
    assert first is not None
    assert (first.content, await bench.store.read(outside.any_waits, NOW)) == (b"a", False)
    again = await bench.store.write(outside.take, vault, NOW + outside.TAKEN_US)
    assert again is not None
    assert again[1] is not None
    assert again[1].key == first.key == row["id"]
    for _ in range(2):
        await bench.store.write(outside.finish, row, NOW, {"status_code": 200}, None)
    assert len(await bench.told("prefect.automation.action.executed")) == 1


@on_sqlite_alone
@pytest.mark.parametrize(
    "data",
    [
        "x {{prefect.blocks.secret.s }}",
        "{{  flowhand.variables.v }}",
        "{{ $HOME }}",
        {"deep": [{"$ref": {"block_document_id": "x"}}]},
    ],
)
@pytest.mark.parametrize("field", ["parameters", "job_variables"])
async def test_what_an_event_fills_in_is_never_resolved_again(bench: Bench, data: Any, field: str) -> None:
    """Whoever may send events could read blocks and variables by it; what the automation's author wrote is kept."""
    _, deployment = await bench.store.write(make_deployment)
    own = {"$ref": {"block_document_id": new_id()}}
    as_json = {"__prefect_kind": "json", "value": "{{ event.payload.data | tojson }}"}
    for number, value in enumerate(("{{ event.payload.data }}", as_json)):
        await bench.automation(on("a"), run(deployment, **{field: {"own": own, "given": value}}), name=f"a {number}")
    await bench.happens("a", data=data)
    failed = await bench.told("prefect.automation.action.failed")
    assert ["which a run would resolve" in event["payload"]["reason"] for event in failed] == [True, True]
    await bench.happens("a", data={"plain": "{{ text }}"})
    assert [made[field] for made in await bench.runs(deployment)] == [{"own": own, "given": {"plain": "{{ text }}"}}] * 2


@on_sqlite_alone
async def test_parameters_are_filled_in_once(bench: Bench) -> None:
    """What an event or a variable holds stays as it is, also when it looks like what stands for another; the author's own are filled in."""
    _, deployment = await bench.store.write(make_deployment)
    sly = {"__prefect_kind": "workspace_variable", "variable_name": "hidden"}
    for name, value in (("hidden", "h"), ("sly", sly)):
        await bench.store.write(create_variable, VariableCreate(name=name, value=value), NOW)
    own = {
        "event": "{{ event.payload.data }}",
        "variable": {"__prefect_kind": "workspace_variable", "variable_name": "sly"},
        "nested": {"__prefect_kind": "none", "value": [sly]},
    }
    await bench.automation(on("a"), run(deployment, parameters=own))
    await bench.happens("a", data=sly)
    assert [made["parameters"] for made in await bench.runs(deployment)] == [{"event": sly, "variable": sly, "nested": ["h"]}]


@on_sqlite_alone
async def test_an_event_from_the_future_does_not_silence_an_automation(bench: Bench) -> None:
    """It counts as of five minutes ahead at most, so windows stay in the present; it is kept as it was told."""
    await bench.automation(on("a", threshold=1, within=60))
    later = to_datetime(NOW + 86_400 * 365 * SECOND)
    event = Event(id=timed_id(), occurred=later, event="a", resource={"prefect.resource.id": "shop.1"})
    await bench.store.write(events.add_events, [event], NOW)
    await bench.react()
    assert await bench.firings() == 1
    await bench.happens("a", at=400)
    assert await bench.firings() == 2
    assert [one["occurred"] for one in await bench.told("a")] == [to_iso(one * SECOND + NOW) for one in (86_400 * 365, 400)]


@on_sqlite_alone
async def test_a_block_that_cannot_be_read_does_not_stop_the_other_calls(bench: Bench, tmp_path: Path) -> None:
    """One whose key is lost is told of; the next call is made."""
    lost, vault = Vault(tmp_path / "lost.key"), Vault(tmp_path / "secrets.key")
    for number, key in enumerate((lost, vault)):
        hook = await bench.store.write(make_webhook, key, f"hook-{number}")
        await bench.automation(on("a"), {"type": "call-webhook", "block_document_id": hook}, name=f"a {number}")
    await bench.happens("a")
    taken = [await bench.store.write(outside.take, vault, NOW) for _ in range(2)]
    assert sorted(one is not None and one[1] is not None for one in taken) == [False, True]
    (failed,) = await bench.told("prefect.automation.action.failed")
    assert failed["payload"]["reason"]


def make_webhook(conn: Connection, vault: Vault, name: str = "hook") -> str:
    block_types.install_built_in(conn, NOW)
    kind = block_types.read_type(conn, block_types.with_slug("webhook"))
    fields = {"title": "Webhook", "type": "object", "properties": {"url": {"type": "string"}}, "secret_fields": ["url"]}
    made = BlockSchemaCreate.model_validate({"fields": fields, "block_type_id": kind["id"], "capabilities": []})
    schema, _ = block_types.create_schema(conn, made, NOW)
    body = {"name": name, "data": {"url": "http://127.0.0.1:9/x"}, "block_schema_id": schema["id"], "block_type_id": kind["id"]}
    return block_documents.create_document(conn, vault, BlockDocumentCreate.model_validate(body), NOW)["id"]


async def test_what_was_counted_long_ago_is_forgotten(bench: Bench) -> None:
    """Windows whose time is over; those that wait without a limit, or for silence, stay."""
    for within, posture in ((10, "Reactive"), (0, "Reactive"), (20, "Proactive")):
        await bench.automation(on("a", threshold=5, within=within) | {"posture": posture}, name=f"{posture} {within}")
    await bench.happens("a")
    assert await bench.store.write(evaluating.trim_counts, NOW + 5 * SECOND) == 0
    assert await bench.store.write(evaluating.trim_counts, NOW + 3600 * SECOND) == 1
    assert await bench.store.write(evaluating.trim_counts, NOW + 3600 * SECOND) == 0


@on_sqlite_alone
async def test_whoever_comes_or_goes_sets_automations_off(bench: Bench) -> None:
    """Workers on- and offline, pools, queues and deployments ready and not; each names what it belongs to."""
    pool, queue = await bench.store.write(make_pool)
    flow, _ = await bench.store.write(make_deployment, queue)
    watched = {"worker": "online offline", "work-pool": "ready not-ready", "work-queue": "ready not-ready", "deployment": "ready not-ready"}
    names = [f"prefect.{noun}.{word}" for noun, words in watched.items() for word in words.split()]
    of_pool = {"prefect.resource.role": "work-pool", "prefect.resource.id": f"prefect.work-pool.{pool}"}
    for name in names:
        await bench.automation(on(name, match_related=of_pool if ".worker." in name else {}), name=name)
    worker = await bench.store.write(worker_seen, pool, "w", 10.0, NOW)
    await bench.store.write(queues_polled, [queue], NOW)
    await bench.react()
    await bench.store.write(worker_gone, worker, NOW + SECOND)
    await bench.store.write(foreman.inspect, NOW + 100 * SECOND)
    await bench.react()
    assert sorted(event["resource"]["prefect.resource.name"] for event in await bench.told("prefect.automation.triggered")) == sorted(names)
    (ready,) = await bench.told("prefect.deployment.ready")
    assert [one["prefect.resource.id"] for one in ready["related"]] == [f"prefect.flow.{flow}", f"prefect.work-queue.{queue}"]


@on_sqlite_alone
async def test_without_automations_nothing_waits(bench: Bench) -> None:
    """Events cost no second write when nobody watches."""
    await bench.happens("a")

    def pending(conn: Connection) -> int:
        return conn.execute(select(func.count()).select_from(t.event).where(t.event.c.pending)).scalar_one()

    assert await bench.store.read(pending) == 0
