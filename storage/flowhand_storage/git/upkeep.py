"""Upkeep of mirrors: few packs in each, and in them only what checkouts still need."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from flowhand_storage.git.address import Address
from flowhand_storage.git.command import GitFailed
from flowhand_storage.git.mirror import MARK
from flowhand_storage.git.session import git_session
from flowhand_storage.locks import try_lock
from flowhand_storage.records import LOCK_SUFFIX, beside
from flowhand_storage.trees import remove_tree

_MANY_PACKS = 50
_TIMEOUT = 600.0


def borrowed(checkouts: Iterable[Path]) -> dict[Path, set[str]]:
    """Which mirrors these checkouts (and their submodules) borrow objects from, and the commits that they need of each."""
    needed: dict[Path, set[str]] = {}
    for checkout in checkouts:
        inner = checkout.glob("**/.git") if (checkout / ".gitmodules").is_file() else [checkout / ".git"]
        for own in inner:
            alternates = own / "objects/info/alternates"
            if alternates.is_file():
                needed.setdefault(Path(alternates.read_text().strip()).parent, set()).add((own / "HEAD").read_text().strip())
    return needed


def tidy(mirror: Path, needed: set[str], *, environ: Mapping[str, str] = os.environ, many: int = _MANY_PACKS) -> bool:
    """Forget all commits but `needed` and pack the rest into one file, when there are more than `many` packs; whether that was done.

    A mirror in use is left for another time; one that git cannot pack is removed, to be made anew by the next fetch.
    """
    if len(list(mirror.glob("objects/pack/*.pack"))) <= many:
        return False
    held = try_lock(beside(mirror, LOCK_SUFFIX))
    if held is None:
        return False
    address = Address(str(mirror), "file", "", "")
    with held, git_session(address, None, mirror.parent, environ=environ, timeout=_TIMEOUT) as git:
        try:
            for mark in (mirror / MARK).iterdir():
                if mark.name not in needed:
                    git.run("update-ref", "-d", MARK + mark.name, folder=mirror)
            git.run("repack", "-a", "-d", "--quiet", folder=mirror)
        except (GitFailed, OSError):
            remove_tree(mirror)
    return True
