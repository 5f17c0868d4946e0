"""Old checkouts and environments go: at the daemon's start and every hour from then on, in a thread, whoever fetched them.

Any number of daemons may do so in one home: what is in use is leased, and a folder goes once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import anyio
import anyio.to_thread
import structlog

from flowhand.settings import Settings

log = structlog.get_logger("flowhand.daemon")

EVERY_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_MIB: Final = 1 << 20


class Removed(Protocol):
    """What a collection tells (`flowhand_storage.collect.Collected`)."""

    removed: list[Path]
    size: int


async def collect_storage(settings: Settings, every_s: float = EVERY_S) -> None:
    """Collects now and every `every_s` seconds, until it is cancelled: what nobody used for `storage_keep_days`, and the least recently
    used of what takes more than `storage_max_bytes`. A collection under way at the end is left to itself; it may be cut off at any point.
    """
    work = partial(_collect, settings)
    while True:
        await _once(settings.home / "storage", work)
        await anyio.sleep(every_s)


async def _once(root: Path, work: Callable[[], Removed]) -> None:
    if not _is_used(root):
        return
    try:
        done = await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
    except OSError as error:  # a disk in trouble must not end the daemon: its runs may well be elsewhere
        log.warning("Old code could not be collected; it is tried again", folder=str(root), why=error.strerror or str(error))
        return
    if done.removed:
        log.info("Removed code that was not used for long, or too much of it", folders=len(done.removed), mib=done.size // _MIB)


def _is_used(root: Path) -> bool:
    return root.is_dir()  # one look, not worth a thread


def _collect(settings: Settings) -> Removed:
    # here: a home whose runs fetch nothing needs no code storage, and its daemon not the memory
    from flowhand_storage.checkouts import CheckoutStore
    from flowhand_storage.collect import Policy, collect

    policy = Policy(max_age=settings.storage_keep_days * _DAY_S, max_size=settings.storage_max_bytes)
    return collect(CheckoutStore(settings.home / "storage"), policy)
