"""Prepared statements beside plain ones: the same rows, the same errors, the same transaction, on either database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, delete, insert, literal_column, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from flowhand.ids import new_id
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.prepared import Prepared, among
from flowhand_server.store.store import Store
from support.databases import make_deployment

pytestmark = pytest.mark.anyio
ALL = Prepared(select(t.deployment).where(t.deployment.c.id == bindparam("id")))
PUT = Prepared(insert(t.meta), "key", "value")
GET = Prepared(select(t.meta.c.value).where(t.meta.c.key == bindparam("named")))
SOME = Prepared(select(t.meta.c.key).where(among(t.meta.c.key, "keys")).order_by(t.meta.c.key))
LONG = Prepared(select(t.meta.c.key, t.meta.c.value).where(among(t.meta.c.key, "keys")))
SET = Prepared(
    update(t.meta).where(t.meta.c.key == bindparam("named")).values(value=bindparam("text")).returning(t.meta.c.key, t.meta.c.value)
)
DROP = Prepared(delete(t.meta).where(among(t.meta.c.key, "keys")))


async def test_rows_are_those_of_plain_statements(store: Store) -> None:
    """Of every kind of column: texts, numbers, booleans, JSON, nulls; by the same names."""
    options = {"collision_strategy": "ENQUEUE", "grace_period_seconds": 30}
    fields: dict[str, Any] = {"paused": True, "concurrency_limit": 3, "concurrency_options": options, "tags": ["a", "ü"]}
    _, deployment = await store.write(make_deployment, None, **fields, parameters={"x": 1.0, "y": [None, {"z": "\U0001f600"}]})

    def read(conn: Connection) -> tuple[Any, Any]:
        plain = conn.execute(select(t.deployment).where(t.deployment.c.id == deployment)).mappings().one()
        return dict(plain), ALL.first(conn, id=deployment)._asdict()

    plain, prepared = await store.read(read)
    assert prepared == plain
    assert prepared["paused"] is True
    assert await store.read(lambda conn: ALL.first(conn, id="no-such")) is None
    assert await store.read(lambda conn: ALL.all(conn, id="no-such")) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
async def test_lists_of_any_length(store: Store, count: int) -> None:
    """A list finds those that are in it and no others, also where it repeats itself."""
    keys = [f"k{n:03}" for n in range(count)]
    await store.write(PUT.run_each, [{"key": key, "value": "v"} for key in [*keys, "other"]])
    found = await store.read(lambda conn: SOME.all(conn, keys=[*keys, *keys, "missing"]))
    assert [row.key for row in found] == keys
    await store.write(lambda conn: DROP.run(conn, keys=keys))
    assert await store.read(lambda conn: SOME.all(conn, keys=[*keys, "other"])) == [("other",)]


async def test_a_list_may_be_very_long(store: Store) -> None:
    """As long as those are that the server's services make: twenty thousand."""
    await store.write(lambda conn: PUT.run(conn, key="19999", value="v"))
    assert await store.read(lambda conn: SOME.all(conn, keys=[str(n) for n in range(20_000)])) == [("19999",)]


async def test_they_share_the_transaction_of_plain_ones(store: Store) -> None:
    """Each sees what the other has written, and both are undone."""

    def write(conn: Connection) -> None:
        PUT.run(conn, key="a", value="1")
        assert conn.execute(select(t.meta.c.value).where(t.meta.c.key == "a")).scalar() == "1"
        conn.execute(update(t.meta).where(t.meta.c.key == "a").values(value="2"))
        assert GET.scalar(conn, named="a") == "2"
        assert tuple(SET.first(conn, named="a", text="3")) == ("a", "3")
        raise NotFound("undo")

    with pytest.raises(NotFound, match="undo"):
        await store.write(write)
    assert await store.read(lambda conn: GET.scalar(conn, named="a")) is None


def _nul(conn: Connection) -> None:
    PUT.run(conn, key="nul", value="a\0b")


def _twice(conn: Connection) -> None:
    PUT.run(conn, key="twice", value="1")
    PUT.run_each(conn, [{"key": "fine", "value": "1"}, {"key": "twice", "value": "2"}])


def _unknown_flow(conn: Connection) -> None:
    row = {"id": new_id(), "created": 1, "updated": 1, "name": "d", "flow_id": "no-such"}
    Prepared(insert(t.deployment), *row).run(conn, **row)


@pytest.mark.parametrize(("fail", "error"), [(_twice, IntegrityError), (_unknown_flow, IntegrityError)])
async def test_errors_are_those_of_plain_statements(store: Store, fail: Callable[[Connection], None], error: type[Exception]) -> None:
    """A key that is taken, one that leads nowhere; nothing of the transaction stays, and the store goes on."""
    with pytest.raises(error):
        await store.write(fail)
    assert await store.read(lambda conn: SOME.all(conn, keys=["twice", "fine"])) == []
    await store.write(PUT.run_each, [{"key": "twice", "value": "1"}])
    assert await store.read(lambda conn: GET.scalar(conn, named="twice")) == "1"


async def test_what_a_database_cannot_store_is_no_outage(store: Store) -> None:
    """PostgreSQL takes no NUL in a text: the driver says so, and the caller hears that its statement was wrong."""
    if store.kind == "sqlite":
        await store.write(_nul)
        return
    with pytest.raises(DataError):
        await store.write(_nul)


async def test_a_reader_cannot_write_by_them(store: Store) -> None:
    """As with plain statements."""
    with pytest.raises(DBAPIError):
        await store.read(lambda conn: PUT.run(conn, key="a", value="1"))
    assert await store.read(lambda conn: GET.scalar(conn, named="a")) is None


async def test_a_list_of_sqlalchemys_own_is_refused(store: Store) -> None:
    """It would be rendered at each execution; the mistake is told at the first."""
    statement = Prepared(select(t.meta.c.key).where(t.meta.c.key.in_(bindparam("keys", expanding=True))))
    with pytest.raises(TypeError, match="compare with a list by `among`"):
        await store.read(lambda conn: statement.all(conn, keys=["a"]))


async def test_they_outlive_what_is_undone(store: Store) -> None:
    """Nothing that is prepared is lost with a savepoint or a transaction, also beside plain statements that the driver has prepared."""

    def undo_inside(conn: Connection) -> None:
        for _ in range(10):
            conn.execute(select(t.meta.c.key).where(t.meta.c.key == "none")).all()
        PUT.run(conn, key="outside", value="1")
        savepoint = conn.begin_nested()
        PUT.run(conn, key="inside", value="1")
        savepoint.rollback()
        assert [row.key for row in SOME.all(conn, keys=["inside", "outside"])] == ["outside"]

    def undo_all(conn: Connection) -> None:
        DROP.run(conn, keys=["outside"])
        raise NotFound("undo")

    for _ in range(2):
        await store.write(undo_inside)
        with pytest.raises(NotFound, match="undo"):
            await store.write(undo_all)
        await store.write(lambda conn: DROP.run(conn, keys=["outside"]))


async def test_more_than_a_connection_keeps(store: Store) -> None:
    """Those that were used longest ago are prepared anew."""
    every = [Prepared(select(literal_column(str(n)).label("n"))) for n in range(600)]

    def ask_all(conn: Connection) -> list[int]:
        return [asked.scalar() for asked in [one.ask(conn) for one in every]]

    for _ in range(2):
        assert await store.read(ask_all) == list(range(600))


async def test_neither_side_waits_for_the_other_to_read(store: Store) -> None:
    """Ten megabytes each way at once, more than any socket takes."""
    long = "x" * 100_000
    rows = [{"key": f"long {n}", "value": long} for n in range(100)]
    await store.write(PUT.run_each, rows)

    def swap(conn: Connection) -> int:
        asked = LONG.ask(conn, keys=[row["key"] for row in rows])
        if store.kind == "sqlite":  # it looks only when the rows are asked for, and nothing is to be written before
            asked.send()
        PUT.run_each(conn, [{"key": f"new {row['key']}", "value": long} for row in rows])
        return sum(len(row.value) for row in asked.all())

    assert await store.write(swap) == 10_000_000
