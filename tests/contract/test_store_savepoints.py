"""A savepoint is undone alone: whatever fails in it, and whenever the database says so, the transaction around it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from flowhand.ids import new_id
from flowhand_server.store import tables as t
from flowhand_server.store.prepared import Prepared, among
from flowhand_server.store.store import Store
from support.databases import make_flow

pytestmark = pytest.mark.anyio
on_postgresql_alone = pytest.mark.parametrize("where", ["postgresql"], indirect=True)
PUT = Prepared(insert(t.meta), "key", "value")
SET = Prepared(update(t.meta).where(t.meta.c.key == bindparam("named")).values(value=bindparam("text")))
KEYS = Prepared(select(t.meta.c.key).where(among(t.meta.c.key, "keys")).order_by(t.meta.c.key))
Step = Callable[[Connection], Any]


def put(key: str, value: str = "v") -> Step:
    return lambda conn: PUT.run(conn, key=key, value=value)


def in_savepoint(conn: Connection, *steps: Step) -> None:
    with conn.begin_nested():
        for step in steps:
            step(conn)


def _taken(conn: Connection) -> None:
    PUT.run(conn, key="taken", value="again")


def _taken_among_others(conn: Connection) -> None:
    PUT.run_each(conn, [{"key": f"inside {new_id()}", "value": "v"}, {"key": "taken", "value": "again"}])


def _taken_plainly(conn: Connection) -> None:
    conn.execute(insert(t.meta).values(key="taken", value="again"))


def _nowhere(conn: Connection) -> None:
    row = {"id": new_id(), "created": 1, "updated": 1, "name": "d", "flow_id": "no-such"}
    Prepared(insert(t.deployment), *row).run(conn, **row)


def _nul_in_json(conn: Connection) -> None:
    row = {"id": new_id(), "created": 1, "updated": 1, "name": "d", "flow_id": make_flow(conn), "parameters": {"x": "a\0b"}}
    Prepared(insert(t.deployment), *row).run(conn, **row)


def _nothing(conn: Connection) -> None:
    pass


def _read(conn: Connection) -> None:
    KEYS.all(conn, keys=["taken"])


def _read_one(conn: Connection) -> None:
    KEYS.first(conn, keys=["taken"])


def _read_plainly(conn: Connection) -> None:
    conn.execute(select(t.meta)).all()


def _give_up(conn: Connection) -> None:
    raise RuntimeError("given up")


ORDERS: Sequence[Step] = [_nothing, put("inside, behind"), _read, _read_one, _read_plainly, _give_up] * 2
"""What is done after the failing statement."""


async def _undone_alone(store: Store, fail: Step) -> None:
    """Fails in savepoints of one transaction: nothing of them is stored, and all that is around them."""

    def write(conn: Connection) -> None:
        for number, follow in enumerate(ORDERS):
            PUT.run(conn, key=f"before {number}", value="v")
            with pytest.raises((DBAPIError, RuntimeError)):
                in_savepoint(conn, put("inside"), fail, follow)
            PUT.run(conn, key=f"after {number}", value="v")

    await store.write(put("taken"))
    await store.write(write)
    stored = await store.read(lambda conn: conn.execute(select(t.meta.c.key).where(t.meta.c.value == "v")).scalars().all())
    assert sorted(stored) == sorted(["taken", *(f"{when} {number}" for when in ("before", "after") for number in range(len(ORDERS)))])


@pytest.mark.parametrize("fail", [_taken, _taken_among_others, _taken_plainly, _nowhere])
async def test_what_fails_in_a_savepoint_is_undone_alone(store: Store, fail: Step) -> None:
    """A key that is taken, one that leads nowhere; whether the database was asked after it or not."""
    await _undone_alone(store, fail)


@on_postgresql_alone
async def test_what_only_postgresql_refuses_is_undone_alone(store: Store) -> None:
    """A NUL in JSON, which the database alone finds; SQLite takes it."""
    await _undone_alone(store, _nul_in_json)


async def test_a_statement_that_was_ignored_is_asked_again(store: Store) -> None:
    """Also when the driver had it prepared in the server just then, which was ignored with it; the driver does so after some executions."""

    def write(conn: Connection, executions: int) -> Any:
        for _ in range(executions):
            KEYS.run(conn, keys=["taken"])
        with pytest.raises(IntegrityError):
            in_savepoint(conn, _taken, lambda conn: KEYS.run(conn, keys=["taken"]))
        return KEYS.scalar(conn, keys=["taken"])

    await store.write(put("taken"))
    assert [await store.write(write, executions) for executions in (0, 4)] == ["taken", "taken"]


async def test_savepoints_within_savepoints(store: Store) -> None:
    """The inner one is undone, the outer one stays; then the other way round."""

    def write(conn: Connection) -> None:
        for number in range(8):
            with conn.begin_nested():
                PUT.run(conn, key=f"outer {number}", value="v")
                with pytest.raises(IntegrityError):
                    in_savepoint(conn, _taken)
            with pytest.raises(IntegrityError):
                in_savepoint(conn, lambda conn: in_savepoint(conn, put("inner")), _taken)

    await store.write(put("taken"))
    await store.write(write)
    keys = [f"outer {number}" for number in range(8)]
    assert [row.key for row in await store.read(lambda conn: KEYS.all(conn, keys=[*keys, "inner"]))] == keys


async def test_what_failed_before_a_savepoint_is_not_the_savepoints(store: Store) -> None:
    """It comes out before the savepoint begins, and undoes the whole transaction."""

    def write(conn: Connection) -> None:
        PUT.run(conn, key="before", value="v")
        _taken(conn)
        savepoint = conn.begin_nested()
        with contextlib.suppress(DBAPIError), savepoint:
            raise AssertionError("the savepoint has begun")

    await store.write(put("taken"))
    with pytest.raises(IntegrityError):
        await store.write(write)
    assert await store.read(lambda conn: KEYS.all(conn, keys=["before"])) == []


@on_postgresql_alone
async def test_an_error_that_was_caught_without_a_savepoint_is_told(store: Store) -> None:
    """PostgreSQL would answer ROLLBACK to COMMIT, and the caller believe that all was stored."""

    def write(conn: Connection) -> None:
        PUT.run(conn, key="before", value="v")
        with contextlib.suppress(DBAPIError):
            conn.execute(text("SELECT 1 / 0"))

    with pytest.raises(RuntimeError, match="outside of a savepoint"):
        await store.write(write)
    assert await store.read(lambda conn: KEYS.all(conn, keys=["before"])) == []


@on_postgresql_alone
@pytest.mark.parametrize("follow", [_nothing, _read])
async def test_a_deadlock_in_a_savepoint_is_tried_again(store: Store, follow: Step) -> None:
    """Two transactions lock two rows crosswise, the second in a savepoint: one is chosen to fail, and is done again from its start."""
    both, tries = threading.Barrier(2), list[str]()

    def cross(conn: Connection, first: str, second: str) -> None:
        tries.append(first)
        SET.run(conn, named=first, text=f"by {first}")
        _read(conn)  # it is locked now
        if len(tries) <= 2:
            both.wait(10)
        with conn.begin_nested():
            SET.run(conn, named=second, text=f"by {first}")
            follow(conn)

    await store.write(PUT.run_each, [{"key": "a", "value": "1"}, {"key": "b", "value": "1"}])
    await asyncio.gather(store.write(cross, "a", "b"), store.write(cross, "b", "a"))
    assert len(tries) == 3
    values = await store.read(lambda conn: conn.execute(select(t.meta.c.value).where(t.meta.c.key.in_(["a", "b"]))).scalars().all())
    assert set(values) == {f"by {tries[2]}"}


@on_postgresql_alone
async def test_a_connection_that_is_lost_in_a_savepoint_is_told(store: Store) -> None:
    """As the outage that it is, with nothing left of the transaction."""

    def lose(conn: Connection) -> None:
        with conn.begin_nested():
            PUT.run(conn, key="inside", value="v")
            conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Exception, match="the database") as caught:
        await store.write(lose)
    assert isinstance(caught.value.__cause__, OperationalError)
    await store.write(put("after"))
    assert [row.key for row in await store.read(lambda conn: KEYS.all(conn, keys=["inside", "after"]))] == ["after"]
