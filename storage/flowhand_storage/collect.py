"""Collection: what was not used for long, and the least recently used of what takes too much room, is removed; never what is leased."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.folders import FolderStore, remove_unused
from flowhand_storage.records import LOCK_SUFFIX, Record, has_record

_DAY = 86400.0
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Policy:
    """`max_age` and `min_age` are seconds since the last use, `max_size` bytes of all finished folders together.

    What was used less than `min_age` ago always stays: its next user may have been told of it and not hold it yet.
    """

    max_age: float = 14 * _DAY
    min_age: float = 600.0
    max_size: int = 10 * _GIB


@dataclass(slots=True)
class Collected:
    """What a collection removed, and the bytes that this freed (what was only half built is not counted)."""

    removed: list[Path] = field(default_factory=list[Path])
    size: int = 0


def collect(store: CheckoutStore, policy: Policy | None = None, *, now: float | None = None) -> Collected:
    """Remove what the policy lets go. `now` is seconds since the epoch. Idempotent; may be stopped at any point."""
    policy = policy or Policy()
    moment = time.time() if now is None else now
    done = Collected()
    for folders in (store.checkouts, store.environments):
        _remove_half_built(folders, moment - policy.min_age, done)
    _remove_finished([*store.checkouts.finished(), *store.environments.finished()], policy, moment, done)
    return done


def _remove_finished(known: list[tuple[Path, Record, float]], policy: Policy, now: float, done: Collected) -> None:
    total = sum(record.size for _, record, _ in known)
    for folder, record, used in sorted(known, key=lambda entry: entry[2]):
        age = now - used
        if age < policy.min_age:
            return
        if (age > policy.max_age or total > policy.max_size or _is_spare(folder)) and remove_unused(folder):
            total -= record.size
            done.removed.append(folder)
            done.size += record.size


def _is_spare(folder: Path) -> bool:
    """Whether it was built only because the first one had been written to while in use."""
    return folder.suffix[1:].isdigit()


def _remove_half_built(folders: FolderStore, before: float, done: Collected) -> None:
    """Folders without a record, whose builder was killed; one that is still at work holds the lock. `before`: seconds since the epoch."""
    for path in sorted(folders.root.glob("*" + LOCK_SUFFIX)):
        folder = path.with_name(path.name.removesuffix(LOCK_SUFFIX))
        if path.stat().st_mtime > before or has_record(folder):
            continue
        was_there = folder.exists()
        if remove_unused(folder) and was_there:
            done.removed.append(folder)
