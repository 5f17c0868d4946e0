"""What is SQLite's own: a full disk, a broken file, and how commits are made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import DBAPIError

from flowhand_server.store import tables as t
from flowhand_server.store.errors import StoreUnavailable, StoreUnusable
from flowhand_server.store.opening import file_system_of, open_sqlite
from flowhand_server.store.sqlite_engine import engine, in_words
from flowhand_server.store.store import Store

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Store]:
    opened = open_sqlite(tmp_path / "flowhand.db")
    yield opened
    await opened.close()


def put(conn: Connection, key: str, size: int = 1) -> None:
    conn.execute(insert(t.meta).values(key=key, value="x" * size))


def fill_up(conn: Connection) -> None:
    pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
    conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


async def test_a_full_disk_is_told_and_survived(store: Store) -> None:
    """Those who shared the commit hear of it and none is half stored; when there is room again, it goes on."""
    await store.write(put, "before")
    await store.write(fill_up)
    writes = [store.write(put, f"k{n}", 500_000) for n in range(8)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    failed = [outcome for outcome in outcomes if outcome is not None]
    assert failed
    assert all(isinstance(outcome, StoreUnavailable) for outcome in failed)
    assert "the disk is full" in str(failed[0])
    await store.write(put, "after")
    kept = await store.read(lambda conn: set(conn.execute(select(t.meta.c.key)).scalars()))
    assert {"before", "after"} <= kept
    assert {f"k{n}" for n, outcome in enumerate(outcomes) if outcome is not None}.isdisjoint(kept)


async def test_commits_are_on_the_disk(store: Store) -> None:
    """Write-ahead log, synchronised at each commit, keys enforced."""

    def pragmas(conn: Connection) -> list[object]:
        return [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]

    assert await store.write(pragmas) == ["wal", 2, 1]


async def test_writers_do_not_wait_for_readers(store: Store) -> None:
    """Two readers that take their time do not hold up fifty writes."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def read_slowly(conn: Connection) -> int:
        conn.execute(select(func.count()).select_from(t.meta)).scalar_one()
        asyncio.run_coroutine_threadsafe(done.wait(), loop).result(20)
        return conn.execute(select(func.count()).select_from(t.meta)).scalar_one()

    readers = [asyncio.ensure_future(store.read(read_slowly)) for _ in range(2)]
    await asyncio.gather(*(store.write(put, f"k{n}") for n in range(50)))
    done.set()
    assert len(await asyncio.gather(*readers)) == 2


async def test_a_broken_page_is_told(tmp_path: Path) -> None:
    """In words that say what to do, when it is met."""
    path = tmp_path / "flowhand.db"
    store = open_sqlite(path)
    await asyncio.gather(*(store.write(put, f"k{n}", 2_000) for n in range(200)))
    await store.close()
    content = bytearray(path.read_bytes())
    for page in range(len(content) // 4096 - 20, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    store = open_sqlite(path)
    with pytest.raises(StoreUnavailable, match="the database is corrupt; restore it from a backup"):
        await store.read(lambda conn: conn.execute(select(func.sum(func.length(t.meta.c.value)))).scalar())
    await store.close()


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(StoreUnusable, match="cannot be opened; check that its folder exists"):
        open_sqlite(tmp_path / "missing" / "flowhand.db")


def test_the_file_system_is_known() -> None:
    """Of a folder, by the mount that it is under."""
    assert file_system_of(Path("/proc")) == "proc"
    assert file_system_of(Path("/sys")) == "sysfs"


def test_a_file_that_another_program_has_locked_is_told(tmp_path: Path) -> None:
    """Also before anything was asked: a transaction begins with the lock."""
    with engine(tmp_path / "one.db").connect() as one, engine(tmp_path / "one.db").connect() as two:
        two.exec_driver_sql("PRAGMA busy_timeout = 10")  # which begins a transaction
        two.rollback()
        with one.begin(), pytest.raises(DBAPIError) as raised:
            two.begin()
    assert in_words(raised.value) == "another program has locked the database; close it"
