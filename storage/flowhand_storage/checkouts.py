"""Checkouts: the files of one source at one revision, in a folder that runs share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from flowhand_storage.errors import FetchFailed
from flowhand_storage.folders import FolderStore
from flowhand_storage.leases import Lease
from flowhand_storage.paths import digest, label
from flowhand_storage.source import Source


@dataclass(frozen=True, slots=True)
class Checkout:
    """Code, ready to be run: `path` is the folder, `revision` what the source calls its state. It stays until `release`."""

    path: Path
    revision: str
    lease: Lease

    def release(self) -> None:
        """Let it be collected once nobody else holds it. Idempotent."""
        self.lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


class CheckoutStore:
    """All that code storage keeps below one folder: checkouts, environments, and what sources cache to fetch faster.

    Its folders can be removed at any time while nothing runs; they are made again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root = root.absolute()
        self.checkouts = FolderStore(root / "checkouts")
        self.environments = FolderStore(root / "environments", sealed=False)
        self.cache = root / "cache"

    def checkout(self, source: Source, revision: str | None = None) -> Checkout:
        """The files of `source`, fetched unless a checkout of that revision is there.

        `revision` is one that the source has named before: then nobody is asked which is current, and an existing checkout needs no
        network at all. Errors as of `Source.revision` and `Source.fetch`; FetchFailed when the disk is the
        trouble; LockTimeout when another process builds it for too long.
        """
        try:
            self.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
            wanted = revision or source.revision(self.cache)
            key = f"{label(source.label)}-{digest(source.identity, wanted)}"
            lease = self.checkouts.lease(key, f"{source.label} at {wanted}", lambda folder: source.fetch(wanted, folder, self.cache))
        except OSError as error:
            raise FetchFailed(f"{source.label} cannot be kept below {self.root}: {error.strerror or type(error).__name__}") from None
        return Checkout(lease.path, wanted, lease)


def default_root(environ: Mapping[str, str] = os.environ) -> Path:
    """Where checkouts are kept when nobody says: `$FLOWHAND_HOME/storage`, else `~/.flowhand/storage`."""
    return Path(environ.get("FLOWHAND_HOME") or "~/.flowhand").expanduser() / "storage"
