"""What every kind of store promises: whole transactions, one winner, notices of what was committed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from flowhand.clock import SystemClock
from flowhand.wire.runner import ClaimRequest, SessionReply, SessionRequest
from flowhand.wire.states import StateType
from flowhand_server.config import ServerConfig
from flowhand_server.orchestration.state import Verdict, propose, scheduled
from flowhand_server.store import tables as t
from flowhand_server.store.claim import claim
from flowhand_server.store.errors import NotFound, StoreUnavailable
from flowhand_server.store.flow_runs import NewRun, create_flow_run, propose_state
from flowhand_server.store.notices import Notice, post
from flowhand_server.store.sessions import open_session
from flowhand_server.store.store import Store
from support.databases import make_deployment, make_flow, make_pool

pytestmark = pytest.mark.anyio
CLOCK = SystemClock()
CONFIG = ServerConfig(Path("/nowhere"))


def put(conn: Connection, key: str, value: str = "0") -> None:
    conn.execute(insert(t.meta).values(key=key, value=value))


def get(conn: Connection, key: str) -> str | None:
    return conn.execute(select(t.meta.c.value).where(t.meta.c.key == key)).scalar()


async def test_what_was_written_is_read(store: Store) -> None:
    """By the next reader."""
    await store.write(put, "a", "1")
    assert await store.read(get, "a") == "1"


async def test_a_failing_transaction_is_undone_alone(store: Store) -> None:
    """Its neighbours in the same commit stay, and its error reaches its caller."""

    def fail(conn: Connection, key: str) -> None:
        put(conn, key)
        raise NotFound(key)

    writes = [store.write(fail if n % 3 == 0 else put, f"k{n}") for n in range(30)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [isinstance(outcome, NotFound) for outcome in outcomes] == [n % 3 == 0 for n in range(30)]
    kept = [n for n in range(30) if await store.read(get, f"k{n}") is not None]
    assert kept == [n for n in range(30) if n % 3]


async def test_a_failing_statement_is_undone_alone(store: Store) -> None:
    """So are errors of the database itself, such as a key that is taken."""
    await store.write(put, "taken")
    outcomes = await asyncio.gather(store.write(put, "taken"), store.write(put, "free"), return_exceptions=True)
    assert isinstance(outcomes[0], DBAPIError)
    assert await store.read(get, "free") == "0"


async def test_concurrent_writers_do_not_lose_updates(store: Store) -> None:
    """A hundred read, add one, write."""
    await store.write(put, "n")

    def add(conn: Connection) -> None:
        value = conn.execute(select(t.meta.c.value).where(t.meta.c.key == "n").with_for_update()).scalar_one()
        conn.execute(update(t.meta).where(t.meta.c.key == "n").values(value=str(int(value) + 1)))

    await asyncio.gather(*(store.write(add) for _ in range(100)))
    assert await store.read(get, "n") == "100"


async def test_a_reader_cannot_write(store: Store) -> None:
    """Whatever its transaction tries."""
    with pytest.raises(DBAPIError):
        await store.read(put, "a")
    assert await store.read(get, "a") is None


async def test_a_reader_sees_one_snapshot(store: Store) -> None:
    """However long it looks, and whoever writes meanwhile."""
    await store.write(put, "a", "old")
    loop, looked, written = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def look_twice(conn: Connection) -> tuple[str | None, str | None]:
        first = get(conn, "a")
        loop.call_soon_threadsafe(looked.set)
        asyncio.run_coroutine_threadsafe(written.wait(), loop).result(10)
        return first, get(conn, "a")

    reading = asyncio.ensure_future(store.read(look_twice))
    await looked.wait()
    await store.write(lambda conn: conn.execute(update(t.meta).where(t.meta.c.key == "a").values(value="new")))
    written.set()
    assert await reading == ("old", "old")
    assert await store.read(get, "a") == "new"


async def test_notices_tell_of_commits_alone(store: Store) -> None:
    """Those of a transaction that failed are never heard."""
    heard: list[str | None] = []
    store.listen(lambda notices: heard.extend(notice.key for notice in notices if notice.topic == "run"))

    def tell(conn: Connection, key: str, fails: bool) -> None:
        post(conn, Notice("run", key=key))
        if fails:
            raise NotFound(key)

    await asyncio.gather(*(store.write(tell, str(n), n % 2 == 1) for n in range(6)), return_exceptions=True)
    await asyncio.sleep(0)
    assert sorted(key for key in heard if key) == ["0", "2", "4"]


async def test_a_closed_store_refuses(store: Store) -> None:
    """And closing twice is closing once."""
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.write(put, "a")


async def test_one_idempotency_key_makes_one_run(store: Store) -> None:
    """Twenty at once."""
    flow = await store.write(make_flow)
    new = NewRun(flow, propose(StateType.PENDING), idempotency_key="once")
    made = await asyncio.gather(*(store.write(create_flow_run, new, CLOCK.now_us()) for _ in range(20)))
    assert len({run.id for run in made}) == 1
    assert sum(run.new for run in made) == 1


async def make_runs(store: Store, count: int, **limits: Any) -> tuple[str, str, list[str]]:
    """A pool's name, a deployment's id, and that many due runs."""
    pool, queue = await store.write(make_pool)
    flow, deployment = await store.write(make_deployment, queue, **limits)
    ids: list[str] = []
    for n in range(count):
        state = scheduled(CLOCK.now_us() - 1_000_000 + n)
        new = NewRun(flow, state, deployment_id=deployment, work_pool_id=pool, work_queue_id=queue)
        ids.append((await store.write(create_flow_run, new, CLOCK.now_us())).id)
    return f"pool-{pool}", deployment, ids


async def make_session(store: Store, pool: str) -> SessionReply:
    return await store.write(open_session, SessionRequest(kind="worker", name="w", work_pool=pool), CONFIG, CLOCK.now_us())


async def take(store: Store, opened: SessionReply, slots: int, last: int = 0) -> tuple[list[str], int]:
    request = ClaimRequest(session=opened.session, slots=slots, last_claim=last)
    answer = await store.write(claim, request, opened.secret, CLOCK.now_us())
    return [run.run_id for run in answer.reply.runs], answer.reply.claim


async def test_one_winner_of_each_claim(store: Store) -> None:
    """Eight sessions take sixty runs, three at a time."""
    pool, _, runs = await make_runs(store, 60)

    async def work() -> list[str]:
        opened, taken, last = await make_session(store, pool), [], 0
        for _ in range(40):
            got, last = await take(store, opened, 3, last)
            taken += got
            if not got and await store.read(waiting) == 0:
                break
        return taken

    parts = await asyncio.gather(*(work() for _ in range(8)))
    assert sorted(run for part in parts for run in part) == sorted(runs)


def waiting(conn: Connection) -> int:
    return conn.execute(select(func.count()).where(t.flow_run.c.state_type == "SCHEDULED")).scalar_one()


async def test_a_limit_holds_under_concurrent_claims(store: Store) -> None:
    """Ten sessions and five slots."""
    pool, _, _ = await make_runs(store, 30, concurrency_limit=5)
    sessions = [await make_session(store, pool) for _ in range(10)]
    taken = await asyncio.gather(*(take(store, opened, 3) for opened in sessions))
    assert sum(len(got) for got, _ in taken) == 5


async def test_one_winner_of_a_proposal(store: Store) -> None:
    """Ten foreign clients propose Pending: the guard against the double claim lets one through."""
    _, _, runs = await make_runs(store, 1)
    outcomes = await asyncio.gather(*(store.write(propose_state, runs[0], propose(StateType.PENDING), CLOCK.now_us()) for _ in range(10)))
    assert sorted(outcome.status for outcome in outcomes) == [Verdict.ABORT] * 9 + [Verdict.ACCEPT]


async def test_a_limit_holds_under_concurrent_proposals(store: Store) -> None:
    """Three slots, ten runs that foreign clients want at once."""
    _, _, runs = await make_runs(store, 10, concurrency_limit=3)
    outcomes = await asyncio.gather(*(store.write(propose_state, run, propose(StateType.PENDING), CLOCK.now_us()) for run in runs))
    assert sum(outcome.status is Verdict.ACCEPT for outcome in outcomes) == 3


async def test_an_unknown_run_is_not_found(store: Store) -> None:
    """In the contract's words."""
    with pytest.raises(NotFound, match="Flow run with id no-such-run not found"):
        await store.write(propose_state, "no-such-run", propose(StateType.PENDING), CLOCK.now_us())
