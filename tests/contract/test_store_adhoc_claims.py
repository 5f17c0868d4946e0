"""A script's session claims the one run that it asks for by its id, and keeps it through all its tries."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flowhand.ids import new_id
from flowhand.wire.runner import ClaimReply, ClaimRequest, ReportReply, ReportRequest, RetryPolicy, SessionReply, SessionRequest, StateItem
from flowhand.wire.states import StateType
from flowhand_server.config import ServerConfig
from flowhand_server.orchestration.state import propose, scheduled
from flowhand_server.store.claim import claim
from flowhand_server.store.flow_run_reading import read_flow_run
from flowhand_server.store.flow_runs import NewRun, create_flow_run, propose_state
from flowhand_server.store.limits import used_by_deployments
from flowhand_server.store.report import report
from flowhand_server.store.sessions import open_session
from flowhand_server.store.store import Store
from support.databases import make_deployment, make_flow

pytestmark = pytest.mark.anyio
NOW = 1_700_000_000_000_000
HOUR = 3_600_000_000
CONFIG = ServerConfig(Path("/nowhere"))


async def new_run(store: Store, due: int = NOW) -> str:
    flow = await store.write(make_flow)
    return (await store.write(create_flow_run, NewRun(flow, scheduled(due)), NOW)).id


async def new_session(store: Store) -> SessionReply:
    return await store.write(open_session, SessionRequest(kind="adhoc", name="script.py"), CONFIG, NOW)


async def ask(store: Store, session: SessionReply, run: str | None, last: int = 0, now: int = NOW) -> ClaimReply:
    request = ClaimRequest(session=session.session, slots=1, run_id=run, last_claim=last)
    return (await store.write(claim, request, session.secret, now)).reply


async def tell(store: Store, session: SessionReply, run: str, attempt: int, seq: int, kind: str, now: int, retries: int = 0) -> ReportReply:
    retry = RetryPolicy(retries=retries, retry_delay_s=60.0)
    item = StateItem(run_id=run, attempt=attempt, seq=seq, type=kind, at_us=now, retry=retry)
    return await store.write(report, ReportRequest(session=session.session, states=[item]), session.secret, now)


async def test_the_run_asked_for_is_given_and_no_other(store: Store) -> None:
    """Also before its time; with its attempt and a lease."""
    await new_run(store)
    run, session = await new_run(store, NOW + HOUR), await new_session(store)
    reply = await ask(store, session, run)
    assert [(given.run_id, given.attempt, given.start_in_s) for given in reply.runs] == [(run, 1, 3600.0)]
    assert (await ask(store, session, None, reply.claim)).runs == []


async def test_one_of_many_scripts_gets_it(store: Store) -> None:
    """The others are told in which state it is."""
    run = await new_run(store)
    sessions = [await new_session(store) for _ in range(5)]
    replies = await asyncio.gather(*(ask(store, session, run) for session in sessions))
    assert sum(len(reply.runs) for reply in replies) == 1
    assert {reply.why for reply in replies if not reply.runs} == {f"flow run {run} is Pending; only a scheduled one can be claimed"}


async def test_a_run_that_another_worker_has_made_pending_is_given_once(store: Store) -> None:
    """Prefect's worker does so, and starts a process that executes it; the deployment's slot stays with the run."""
    flow, deployment = await store.write(make_deployment, concurrency_limit=1)
    run = (await store.write(create_flow_run, NewRun(flow, scheduled(NOW), deployment_id=deployment), NOW)).id
    await store.write(propose_state, run, propose(StateType.PENDING, "Submitting"), NOW)
    sessions = [await new_session(store) for _ in range(3)]
    replies = await asyncio.gather(*(ask(store, session, run) for session in sessions))
    assert [given.attempt for reply in replies for given in reply.runs] == [1]
    assert {reply.why for reply in replies if not reply.runs} == {f"flow run {run} is Pending; only a scheduled one can be claimed"}
    assert await store.read(used_by_deployments, [deployment]) == {deployment: 1}
    await store.write(propose_state, run, propose(StateType.PENDING, "InfrastructurePending"), NOW)
    assert (await store.read(read_flow_run, run, NOW))["state_name"] == "InfrastructurePending"


async def test_a_lost_answer_is_given_again(store: Store) -> None:
    """The same attempt."""
    run, session = await new_run(store), await new_session(store)
    first, second = await ask(store, session, run), await ask(store, session, run)
    assert [given.attempt for given in first.runs] == [given.attempt for given in second.runs] == [1]


async def test_an_unknown_run_is_told(store: Store) -> None:
    session, run = await new_session(store), new_id()
    assert (await ask(store, session, run)).why == f"flow run {run} does not exist"


async def test_a_script_keeps_its_run_through_a_long_delay(store: Store) -> None:
    """A worker would hand back a run that is to be tried again in a minute; nobody else has the code of a script's flow."""
    run, session = await new_run(store), await new_session(store)
    await ask(store, session, run)
    await tell(store, session, run, 1, 1, "RUNNING", NOW, retries=1)
    failed = await tell(store, session, run, 1, 2, "FAILED", NOW)
    assert (failed.states[0].name, failed.states[0].retry_here and failed.states[0].retry_here.attempt) == ("AwaitingRetry", 2)
    await tell(store, session, run, 2, 1, "RUNNING", NOW + 60_000_000)
    assert (await tell(store, session, run, 2, 2, "FAILED", NOW + 61_000_000)).states[0].type == "FAILED"
