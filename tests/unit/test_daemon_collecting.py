"""A daemon removes code that nobody uses any more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from structlog.testing import capture_logs

from flowhand.daemon.collecting import collect_storage
from flowhand.settings import Settings
from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.folders import FolderStore
from support.storage_files import write_files
from support.worker import wait_for

pytestmark = pytest.mark.anyio
DAY_S = 86_400


def keep(folders: FolderStore, name: str, days_ago: float) -> Path:
    """A finished folder of a kilobyte that was used so long ago."""
    with folders.lease(name, name, lambda folder: write_files(folder, {"file": "x" * 1024})) as lease:
        path = lease.path
    used = time.time() - days_ago * DAY_S
    os.utime(path.with_name(f"{name}.json"), (used, used))
    return path


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def collected(settings: Settings, done: Callable[[], bool]) -> None:
    """Collects, until that is so."""
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(collect_storage, settings, 0.01)
            await anyio.to_thread.run_sync(wait_for, done, 15)
            group.cancel_scope.cancel()


async def test_what_was_not_used_for_long_goes(tmp_path: Path) -> None:
    """Checkouts and environments; what was used since stays. A line of the log tells."""
    store = CheckoutStore(tmp_path / "storage")
    old, fresh = keep(store.checkouts, "old", 3), keep(store.checkouts, "fresh", 1)
    environment = keep(store.environments, "environment", 3)

    def told() -> list[int]:
        return [line["folders"] for line in lines if line["event"].startswith("Removed code")]

    with capture_logs() as lines:
        await collected(Settings(home=tmp_path, storage_keep_days=2), lambda: told() != [])
    assert [path.exists() for path in (old, environment, fresh)] == [False, False, True]
    assert told() == [2]


async def test_the_least_recently_used_goes_when_it_is_too_much(tmp_path: Path) -> None:
    """And only as much of it as must."""
    store = CheckoutStore(tmp_path / "storage")
    older, newer = keep(store.checkouts, "older", 2), keep(store.checkouts, "newer", 1)
    await collected(Settings(home=tmp_path, storage_max_bytes=1500), lambda: not older.exists())
    assert newer.exists()


async def test_a_home_without_code_is_left_alone(tmp_path: Path) -> None:
    """Nothing is made there."""
    with anyio.move_on_after(0.1):
        await collect_storage(Settings(home=tmp_path), 0.01)
    assert names_in(tmp_path) == []
