"""What shares a commit on SQLite, and what replicas of a server tell each other on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from flowhand.clock import SystemClock
from flowhand.wire.runner import ClaimRequest, SessionRequest
from flowhand_server.config import ServerConfig
from flowhand_server.dispatch.claiming import Claims, ClientGone
from flowhand_server.dispatch.desk import Desk
from flowhand_server.orchestration.state import scheduled
from flowhand_server.services.service import leads
from flowhand_server.store.flow_runs import NewRun, create_flow_run
from flowhand_server.store.notices import Notice, post
from flowhand_server.store.sessions import open_session
from flowhand_server.store.store import Store
from support.databases import make_deployment, make_pool, open_store, prepared_database

pytestmark = pytest.mark.anyio
CLOCK = SystemClock()
CONFIG = ServerConfig(Path("/nowhere"))


async def until(condition: Callable[[], bool]) -> None:
    """Until it is so. What is waited for gives no event that a test could wait for."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


class Floor:
    """A store with a desk, a pool, a deployment and a worker's session."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.desk = Desk(CLOCK)
        self.claims = Claims(store, self.desk, CLOCK)
        self.commits: list[list[str]] = []
        store.follow(self.desk.follow)
        store.listen(self.desk.notice)
        store.listen(self._count)

    def _count(self, notices: Sequence[Notice]) -> None:
        self.commits.append([notice.topic for notice in notices])

    async def open(self) -> Floor:
        self.pool, self.queue = await self.store.write(make_pool)
        self.flow, self.deployment = await self.store.write(make_deployment, self.queue)
        request = SessionRequest(kind="worker", name="w", work_pool=f"pool-{self.pool}")
        self.session = await self.store.write(open_session, request, CONFIG, CLOCK.now_us())
        return self

    async def create(self, in_us: int = 0) -> str:
        state = scheduled(CLOCK.now_us() + in_us)
        new = NewRun(self.flow, state, deployment_id=self.deployment, work_pool_id=self.pool, work_queue_id=self.queue)
        return (await self.store.write(create_flow_run, new, CLOCK.now_us())).id

    def claim(self, gone: asyncio.Future[None], last: int = 0) -> asyncio.Future[list[str]]:
        """A waiting claim of one run; its future ends with the runs it got."""

        async def ask() -> list[str]:
            request = ClaimRequest(session=self.session.session, slots=1, wait_s=10, last_claim=last)
            return [run.run_id for run in (await self.claims.answer(request, self.session.secret, gone)).runs]

        return asyncio.ensure_future(ask())

    async def waits(self) -> None:
        """Until a claim waits at the desk."""
        await until(lambda: self.desk.waiting > 0)


async def test_a_run_is_made_and_claimed_in_one_commit(tmp_path: Path) -> None:
    """For a worker that waits: creation and Pending are one write to the disk."""
    floor = await Floor(open_store(tmp_path / "flowhand.db")).open()
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    claiming = floor.claim(gone)
    await floor.waits()
    floor.commits.clear()
    run = await floor.create()
    assert await claiming == [run]
    assert floor.commits == [["due", "run"]]
    await floor.store.close()


async def test_who_has_hung_up_is_given_nothing(tmp_path: Path) -> None:
    """The run is left for the next."""
    floor = await Floor(open_store(tmp_path / "flowhand.db")).open()
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    claiming = floor.claim(gone)
    await floor.waits()
    gone.set_result(None)
    with pytest.raises(ClientGone):
        await claiming
    run = await floor.create()
    assert await floor.claim(asyncio.get_running_loop().create_future()) == [run]
    await floor.store.close()


async def test_a_run_for_later_wakes_on_its_time(tmp_path: Path) -> None:
    """By a timer, though nothing was due when it was made."""
    floor = await Floor(open_store(tmp_path / "flowhand.db")).open()
    claiming = floor.claim(asyncio.get_running_loop().create_future())
    await floor.waits()
    began = CLOCK.monotonic()
    run = await floor.create(in_us=300_000)
    assert await claiming == [run]
    assert 0.25 < CLOCK.monotonic() - began < 3
    await floor.store.close()


async def test_replicas_hear_of_each_others_commits(postgres_url: str) -> None:
    """A claim that waits at one server is answered when another makes a run; and each service is led by one of them."""
    url = prepared_database(postgres_url)
    one, two = open_store(url), open_store(url)
    floor = await Floor(one).open()
    claiming = floor.claim(asyncio.get_running_loop().create_future())
    await floor.waits()
    new = NewRun(floor.flow, scheduled(CLOCK.now_us()), deployment_id=floor.deployment, work_pool_id=floor.pool, work_queue_id=floor.queue)
    began = CLOCK.monotonic()
    made = await two.write(create_flow_run, new, CLOCK.now_us())
    assert await claiming == [made.id]
    assert CLOCK.monotonic() - began < 3
    heard: list[str] = []
    two.listen(lambda notices: heard.extend(notice.topic for notice in notices))
    await one.write(_post_many)
    await until(lambda: "config" in heard)
    assert await _both_lead(one, two) == [False, True]
    await one.close()
    await two.close()


@pytest.fixture
def a_thousand_files() -> Iterator[None]:
    """So many files are open that the next one is beyond what select() takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    with ExitStack() as files:
        while files.enter_context(Path(os.devnull).open("rb")).fileno() < 1024:
            pass
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("a_thousand_files")
async def test_a_replica_with_a_thousand_connections_hears_of_others(postgres_url: str) -> None:
    """Whatever number the descriptor of its listening connection has; also of the next one, when that one is lost."""
    url = prepared_database(postgres_url)
    one, two = open_store(url), open_store(url)
    heard: list[str | None] = []
    two.listen(lambda notices: heard.extend(notice.key for notice in notices))
    for key in ("first", "second"):
        await until(lambda: None in heard)  # it is told to look when it is connected
        heard.clear()
        await one.write(post, Notice("run", key=key))
        await until(lambda key=key: key in heard)
        await one.write(_end_listeners)
    await one.close()
    await two.close()


def _end_listeners(conn: Connection) -> None:
    ours = "application_name = 'flowhand listener' AND datname = current_database()"
    conn.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}"))


def _post_many(conn: Connection) -> None:
    for number in range(500):
        post(conn, Notice("run", key=f"a-run-{number}"))


async def _both_lead(one: Store, two: Store) -> list[bool]:
    """Two transactions at once that both want to lead."""
    loop, asked = asyncio.get_running_loop(), [asyncio.Event(), asyncio.Event()]

    def lead(conn: Connection, mine: int) -> bool:
        led = leads(conn, "a service")
        loop.call_soon_threadsafe(asked[mine].set)
        asyncio.run_coroutine_threadsafe(asked[1 - mine].wait(), loop).result(10)
        return led

    return sorted(await asyncio.gather(one.write(lead, 0), two.write(lead, 1)))
