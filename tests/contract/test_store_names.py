"""Searches for a piece of a name, on every kind of database: whatever the index of names has or has not, they find what there is."""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final

import pytest
from sqlalchemy import Connection, func, select

from flowhand.clock import SystemClock
from flowhand.wire.filters import FlowRunQuery
from flowhand.wire.flow_runs import FlowRunUpdate
from flowhand_server.orchestration.state import propose
from flowhand_server.services.namer import BETWEEN_LOOKS_S, EVERY_S, ROUNDS_BETWEEN_LOOKS, Namer, put
from flowhand_server.store import tables as t
from flowhand_server.store.facts import read_fact, write_fact
from flowhand_server.store.flow_run_changes import delete_flow_run, update_flow_run
from flowhand_server.store.flow_run_reading import count_flow_runs, find_flow_run_ids, find_flow_runs
from flowhand_server.store.flow_runs import NewRun, create_flow_run, create_flow_runs
from flowhand_server.store.name_again import AFTER_US, SINCE, is_due, note_again
from flowhand_server.store.name_candidates import LONGEST_TAIL, MOST, candidates
from flowhand_server.store.name_segments import SEGMENT, look_through, merged, store_batch, tail_batch
from flowhand_server.store.nouns import where
from flowhand_server.store.runs import StateWriter, load_run
from flowhand_server.store.store import Store
from support.databases import hears_others, make_flow, open_store, prepared_database

pytestmark = pytest.mark.anyio
NOW: Final = 1_700_000_000_000_000
LETTERS: Final = "abcABC-_%\\ äÄßẞıIİiKK"
"""Few, so that names are often alike; some are one letter to one database and two to another."""
_run = t.flow_run.c


def liking(text: str, **beside: Any) -> FlowRunQuery:
    return FlowRunQuery.model_validate({"flow_runs": {"name": {"like_": text}} | beside, "sort": "ID_DESC", "limit": 200})


def plainly(conn: Connection, query: FlowRunQuery) -> list[str]:
    """What is found by asking each row."""
    return list(conn.execute(select(_run.id).where(*where(t.flow_run, query)).order_by(_run.id.desc())).scalars())


def found(conn: Connection, text: str) -> list[str]:
    return find_flow_run_ids(conn, liking(text), "ID_DESC")


def sizes(conn: Connection) -> list[int]:
    """How many rows each table of the index has: tail, segments, pages, pieces."""
    tables = (t.name_tail, t.name_segment, t.name_page, t.name_piece)
    return [conn.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]


def collect(conn: Connection) -> None:
    """Makes a segment of what is in the tail."""
    batch = tail_batch(conn, least=1)
    assert batch is not None
    assert put(conn, batch)


class Story:
    """Whatever may happen to names, at random."""

    def __init__(self, conn: Connection, seed: int) -> None:
        self.conn = conn
        self.chosen = random.Random(seed)
        self.flow = make_flow(conn)
        self.runs: list[str] = []

    def name(self) -> str:
        return "".join(self.chosen.choices(LETTERS, k=self.chosen.randint(1, 9)))

    def happen(self) -> None:
        steps = (self.create, self.create, self.rename, self.begin, self.delete, self.collect, self.look)
        self.chosen.choice(steps)()

    def create(self) -> None:
        for _ in range(self.chosen.randint(1, 20)):
            self.runs.append(create_flow_run(self.conn, NewRun(self.flow, propose("PENDING"), name=self.name()), NOW).id)

    def rename(self) -> None:
        for run in self.some():
            update_flow_run(self.conn, run, FlowRunUpdate(name=self.name()), NOW)

    def begin(self) -> None:
        """Whoever executes a run may name it."""
        writer = StateWriter(self.conn, NOW)
        for run_id in self.some():
            run = load_run(self.conn, run_id)
            assert run is not None
            run.name = self.name()
            writer.enter(run, propose("RUNNING"))
        writer.flush()

    def delete(self) -> None:
        for run in self.some():
            self.runs.remove(run)
            delete_flow_run(self.conn, run)

    def collect(self) -> None:
        if sizes(self.conn)[0]:
            collect(self.conn)

    def look(self) -> None:
        """What is left of two segments becomes one."""
        first = look_through(self.conn, 0)
        second = look_through(self.conn, first.number) if first is not None else None
        if first is not None and second is not None:
            assert store_batch(self.conn, merged(first, second))

    def some(self) -> list[str]:
        return self.chosen.sample(self.runs, min(len(self.runs), 8))


@pytest.mark.parametrize("seed", range(4))
async def test_a_search_finds_what_asking_each_row_finds(store: Store, seed: int) -> None:
    """Among runs that come, are renamed, begin and go, before and after they are in the index; and counts them."""

    def tell(conn: Connection) -> int:
        story, known = Story(conn, seed), 0
        for _ in range(60):
            story.happen()
            for _ in range(4):
                text = story.name()
                expected = plainly(conn, liking(text))
                assert found(conn, text) == expected[:200], text
                assert count_flow_runs(conn, liking(text)) == len(expected)
                known += candidates(conn, text) is not None
        return known

    assert await store.write(tell) > 50


async def test_a_search_finds_in_every_order_and_beside_other_filters(store: Store) -> None:
    """Runs of segments and of the tail; a page behind the first; what a filter beside leaves out is left out."""

    def look(conn: Connection) -> None:
        flow = make_flow(conn)
        for begun in (NOW, NOW + 5):
            for state in ("COMPLETED", "FAILED"):
                create_flow_runs(conn, flow, [NewRun(flow, propose(state), name=f"a-Needle-{n}", tags=["x"]) for n in range(30)], begun)
                create_flow_runs(conn, flow, [NewRun(flow, propose(state), name=f"other-{n}") for n in range(30)], begun)
            if begun == NOW:
                collect(conn)
        for beside in ({}, {"state": {"type": {"any_": ["FAILED"]}}}, {"tags": {"all_": ["x"]}}):
            query = liking("needle", **beside)
            expected = plainly(conn, query)
            assert len(expected) == (60 if "state" in beside else 120)
            for sort in (
                "ID_DESC",
                "START_TIME_ASC",
                "EXPECTED_START_TIME_DESC",
                "NAME_ASC",
                "NEXT_SCHEDULED_START_TIME_ASC",
                "END_TIME_DESC",
            ):
                pages = [
                    find_flow_runs(conn, query.model_copy(update={"sort": sort, "offset": at, "limit": 25}), NOW)
                    for at in range(0, 125, 25)
                ]
                assert sorted(run["id"] for page in pages for run in page) == sorted(expected)

    await store.write(look)


async def test_a_frequent_piece_and_a_short_one_are_found_as_before(store: Store) -> None:
    """No list is made of more runs than are worth it, nor for what no three letters tell."""

    def look(conn: Connection) -> None:
        flow = make_flow(conn)
        create_flow_runs(conn, flow, [NewRun(flow, propose("PENDING"), name=f"run-{n}") for n in range(MOST + 10)], NOW)
        for _ in range(2):
            assert candidates(conn, "run-") is None
            assert candidates(conn, "ru") is None
            assert len(found(conn, "run-")) == len(found(conn, "ru")) == 200
            assert found(conn, "run-4004") == plainly(conn, liking("run-4004"))
            while sizes(conn)[0]:
                collect(conn)
        assert sizes(conn)[1] == 2

    await store.write(look)


async def test_a_search_does_not_wait_for_the_index(store: Store) -> None:
    """While a long tail is made into segments, as after an upgrade, names are looked for one by one."""

    def look(conn: Connection) -> None:
        run = create_flow_run(conn, NewRun(make_flow(conn), propose("PENDING"), name="a-needle"), NOW).id
        assert candidates(conn, "needle") == [run]
        conn.execute(t.name_tail.insert().values(number=LONGEST_TAIL + 1000, flow_run_id=run, name="a-needle"))
        assert candidates(conn, "needle") is None
        assert found(conn, "needle") == [run]

    await store.write(look)


async def test_a_name_that_changes_while_its_segment_is_made_is_found(store: Store) -> None:
    """The batch has the old one; the new one waits at the tail."""
    flow = await store.write(make_flow)
    run = (await store.write(create_flow_run, NewRun(flow, propose("PENDING"), name="before"), NOW)).id
    batch = await store.read(tail_batch, 1)
    assert batch is not None
    await store.write(update_flow_run, run, FlowRunUpdate(name="after"), NOW)
    assert await store.write(put, batch)
    assert await store.read(found, "after") == [run]
    assert await store.read(found, "before") == []


async def test_a_server_that_is_lost_in_a_batch_leaves_nothing_of_it(store: Store) -> None:
    """The next one makes the same segment, once."""
    flow = await store.write(make_flow)
    run = (await store.write(create_flow_run, NewRun(flow, propose("PENDING"), name="a-needle"), NOW)).id
    batch = await store.read(tail_batch, 1)
    assert batch is not None

    def be_lost(conn: Connection) -> None:
        assert put(conn, batch)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await store.write(be_lost)
    assert await store.read(sizes) == [1, 0, 0, 0]
    assert [await store.write(put, batch) for _ in range(2)] == [True, False]
    assert await store.read(sizes) == [0, 1, 1, len(batch.pieces)]
    assert await store.read(found, "needle") == [run]


async def test_replicas_make_a_segment_once(postgres_url: str) -> None:
    """Two services look at the same tail at the same time."""
    url = prepared_database(postgres_url)
    stores: list[Store] = []
    for _ in range(2):  # one after the other: a store that is left alone for a while may have heard already
        stores.append(open_store(url))
        await hears_others(stores[-1])
    flow = await stores[0].write(make_flow)
    news = [NewRun(flow, propose("PENDING"), name=f"run-{n}") for n in range(SEGMENT)]
    await stores[0].write(create_flow_runs, flow, news, NOW)
    await asyncio.gather(*(Namer(store, SystemClock()).round() for store in stores))
    assert (await stores[0].read(sizes))[:2] == [0, 1]
    for store in stores:
        await store.close()


async def test_the_index_does_not_keep_what_is_gone(store: Store) -> None:
    """A segment without any run goes; what is left of two of which most is gone becomes one; others stay as they are."""
    namer = Namer(store, SystemClock())

    def fill(conn: Connection) -> list[list[str]]:
        flow, groups = make_flow(conn), list[list[str]]()
        for group in range(4):
            names = [f"group-{group}-{n}" for n in range(20)]
            groups.append([create_flow_run(conn, NewRun(flow, propose("PENDING"), name=name), NOW).id for name in names])
            collect(conn)
        return groups

    groups = await store.write(fill)
    gone = [*groups[0], *groups[1][4:], *groups[2][5:], *groups[3][:10]]
    for run in gone:
        await store.write(delete_flow_run, run)
    for _ in range(5):
        await namer.look()
    assert (await store.read(sizes))[:3] == [0, 2, 1 + 2]
    left = [run for group in groups for run in group if run not in gone]
    assert sorted(await store.read(found, "group-")) == sorted(left)
    assert await store.read(found, "group-2-") == sorted(groups[2][:5], reverse=True)
    assert await store.read(candidates, "group-0") == []
    pieces = (await store.read(sizes))[3]
    for _ in range(5):
        await namer.look()
    assert (await store.read(sizes))[3] == pieces


async def test_the_service_gets_round_to_what_is_gone(store: Store) -> None:
    """When it has been quiet for some rounds; and comes again soon while there is more."""
    namer = Namer(store, SystemClock())

    def fill(conn: Connection) -> None:
        for _ in range(2):
            run = create_flow_run(conn, NewRun(make_flow(conn), propose("PENDING"), name="a-needle"), NOW).id
            collect(conn)
            delete_flow_run(conn, run)

    await store.write(fill)
    pauses = [await namer.round() for _ in range(ROUNDS_BETWEEN_LOOKS + 2)]
    assert pauses == [EVERY_S] * (ROUNDS_BETWEEN_LOOKS - 1) + [BETWEEN_LOOKS_S] * 2 + [EVERY_S]
    assert await store.read(sizes) == [0, 0, 0, 0]


async def test_a_run_that_begins_by_its_name_is_not_put_at_the_tail_again(store: Store) -> None:
    """Whoever executes a run tells its name, which it has as a rule."""

    def begin(conn: Connection) -> int:
        run = load_run(conn, create_flow_run(conn, NewRun(make_flow(conn), propose("PENDING"), name="one"), NOW).id)
        assert run is not None
        run.name = "one"
        writer = StateWriter(conn, NOW)
        writer.enter(run, propose("RUNNING"))
        writer.flush()
        return sizes(conn)[0]

    assert await store.write(begin) == 1


async def test_what_older_servers_stored_after_an_upgrade_is_found(store: Store) -> None:
    """They did not tell the tail: it is told a while later of all that was changed since, once."""

    def upgraded(conn: Connection) -> None:
        write_fact(conn, SINCE, str(NOW))
        flow = make_flow(conn)
        for name, changed in (("before-needle", NOW - AFTER_US), ("after-needle", NOW + 5)):
            create_flow_run(conn, NewRun(flow, propose("PENDING"), name=name), changed)
        conn.execute(t.name_tail.delete())
        for too_early in (NOW, NOW + AFTER_US - 1):
            note_again(conn, too_early)
            assert sizes(conn)[0] == 0
            assert not is_due(conn, too_early)
        assert is_due(conn, NOW + AFTER_US)
        note_again(conn, NOW + AFTER_US)
        assert len(found(conn, "after-needle")) == sizes(conn)[0] == 1
        assert read_fact(conn, SINCE) is None
        note_again(conn, NOW + 2 * AFTER_US)
        assert sizes(conn)[0] == 1

    await store.write(upgraded)
