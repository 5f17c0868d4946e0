"""Collection: what was not used for long, and the least recently used of what takes too much room, is removed; never what is leased."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.folders import FolderStore, remove_unused
from flowhand_storage.git.upkeep import borrowed, tidy
from flowhand_storage.records import LOCK_SUFFIX, Record, has_record
from flowhand_storage.trees import remove_tree

_DAY = 86400.0
_GIB = 1 << 30
_ABANDONED = 7200.0


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
        _remove_half_built(folders, policy.min_age, moment, done)
    _remove_finished([*store.checkouts.finished(), *store.environments.finished()], policy, moment, done)
    _remove_caches(store, policy, moment, done)
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


def _remove_half_built(folders: FolderStore, min_age: float, now: float, done: Collected) -> None:
    """Folders without a record, whose builder was killed; one that is still at work holds the lock."""
    for path in sorted(folders.root.glob("*" + LOCK_SUFFIX)):
        folder = path.with_name(path.name.removesuffix(LOCK_SUFFIX))
        if _age(path, now) < min_age or has_record(folder):
            continue
        was_there = folder.exists()
        if remove_unused(folder) and was_there:
            done.removed.append(folder)


def _remove_caches(store: CheckoutStore, policy: Policy, now: float, done: Collected) -> None:
    """What sources keep to fetch faster, once nobody used it for as long as a checkout may go unused; and what killed ones left behind."""
    needed = borrowed(folder for folder, _, _ in store.checkouts.finished())
    for kind in sorted(store.cache.glob("*")):
        for path in sorted(kind.glob("*") if kind.is_dir() else []):
            age = _age(path, now)
            if path.name.startswith("."):
                _remove_abandoned(path, age)
            elif path.is_dir() and age > max(policy.max_age, policy.min_age) and path not in needed:
                if remove_unused(path):
                    done.removed.append(path)
            elif path.suffix == ".git":
                tidy(path, needed.get(path, set()))


def _age(path: Path, now: float) -> float:
    """Seconds since the last change; none when another process has just removed it."""
    try:
        return now - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def _remove_abandoned(path: Path, age: float) -> None:
    """A private file or folder of a fetch: no fetch takes that long, so its owner was killed. It may hold a key."""
    if age < _ABANDONED:
        return
    if path.is_dir():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)
