"""Chores share one look; each has a transaction and a fate of its own."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from flowhand.clock import SystemClock
from flowhand_server.services.chores import EVERY_S, Chore, Chores
from flowhand_server.services.service import CHUNK
from flowhand_server.store.facts import read_fact, write_fact
from flowhand_server.store.store import Store

pytestmark = pytest.mark.anyio


def chore(name: str, *, does: int = 1, due: bool = True) -> Chore:
    """Notes that it was done, and says that it did so much."""

    def work(conn: Connection, now: int) -> int:
        write_fact(conn, name, "done")
        return does

    return Chore(name, lambda conn, now: due, work)


async def done(store: Store, name: str) -> bool:
    return await store.read(read_fact, name) == "done"


async def test_only_what_is_due_is_done(store: Store) -> None:
    """And it comes again in its time."""
    assert await Chores(store, SystemClock(), [chore("due"), chore("idle", due=False)]).round() == EVERY_S
    assert await done(store, "due")
    assert not await done(store, "idle")


async def test_a_chore_that_fails_keeps_no_other_from_being_done(store: Store) -> None:
    """It is rolled back alone, and raised at the end with its name."""

    def fail(conn: Connection, now: int) -> int:
        write_fact(conn, "failed", "done")
        raise ValueError("a mistake")

    with pytest.raises(ExceptionGroup, match="in bad") as raised:
        await Chores(store, SystemClock(), [Chore("bad", lambda conn, now: True, fail), chore("good")]).round()
    assert [str(error) for error in raised.value.exceptions] == ["a mistake"]
    assert await done(store, "good")
    assert not await done(store, "failed")


async def test_a_look_that_fails_keeps_no_other_chore_from_being_done(store: Store) -> None:
    """Also where the database would answer nothing any more in the same transaction."""

    def broken(conn: Connection, now: int) -> bool:
        return bool(conn.exec_driver_sql("SELECT nothing FROM nowhere").scalar())

    def work(conn: Connection, now: int) -> int:
        raise AssertionError("it is not due")

    with pytest.raises(ExceptionGroup, match="in bad"):
        await Chores(store, SystemClock(), [Chore("bad", broken, work), chore("good")]).round()
    assert await done(store, "good")


async def test_a_full_chunk_is_followed_at_once(store: Store) -> None:
    """What does as much as it may probably has more to do."""
    assert await Chores(store, SystemClock(), [chore("much", does=CHUNK), chore("little")]).round() < 1
