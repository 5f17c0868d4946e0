"""What all storage objects share that bring code here: a place for it, and the checkout that it points to."""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from flowhand_storage.checkouts import Checkout, CheckoutStore, default_root
from flowhand_storage.dual import dual
from flowhand_storage.errors import FetchFailed
from flowhand_storage.source import Source


class PulledStorage(ABC):
    """Code that is pulled into `destination`, a link to a checkout that never changes.

    A pull that finds a new revision lets the link point to another checkout, in one step. So what runs from the resolved path goes on
    undisturbed, and what starts afterwards gets the new code.
    """

    def __init__(self, name: str, pull_interval: int | None) -> None:
        self._name = name
        self._pull_interval = pull_interval
        self._base = Path.cwd()
        self._store = CheckoutStore(default_root())
        self._checkout: Checkout | None = None

    @abstractmethod
    def source(self) -> Source:
        """What is pulled. InvalidSource when it can never work."""

    @abstractmethod
    def to_pull_step(self) -> dict[str, Any]:
        """The pull step by which a worker gets the same code: `{step's name: inputs}`. It holds no plain credential."""

    @property
    def pull_interval(self) -> int | None:
        """Seconds between two pulls while it is served; None: pulled once."""
        return self._pull_interval

    @property
    def destination(self) -> Path:
        """Where the code is once it was pulled."""
        return self._base / self._name

    @property
    def revision(self) -> str | None:
        """What was pulled last, as the source calls it; None before the first pull."""
        return self._checkout.revision if self._checkout else None

    def set_base_path(self, path: Path) -> None:
        """Let `destination` lie in `path`; without this, in the working directory of the moment it was made."""
        self._base = path

    def set_store(self, store: CheckoutStore) -> None:
        """Keep checkouts in `store`; without this, in the home folder (`checkouts.default_root`)."""
        self._store = store

    @dual
    def pull_code(self) -> Path:
        """Bring the newest code to `destination`; the checkout's own path. Idempotent. May be awaited.

        It stays leased until the next pull or the end of this process. Errors of `Source.revision` and `Source.fetch`; FetchFailed when
        something else stands at `destination`.
        """
        checkout = self._store.checkout(self.source())
        try:
            point(self.destination, checkout.path)
        except BaseException:
            checkout.release()
            raise
        before, self._checkout = self._checkout, checkout
        if before is not None:
            before.release()
        return checkout.path


def point(link: Path, target: Path) -> None:
    """Make `link` point to `target`, at no moment to nothing. FetchFailed when a real file or folder stands there."""
    if link.exists() and not link.is_symlink():
        raise FetchFailed(f"{link} is in the way: code would be put there; move it, or choose another name or folder")
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=link.parent, prefix=".pull-") as private:
            draft = Path(private) / "link"
            draft.symlink_to(target)
            os.replace(draft, link)  # noqa: PTH105 - Path.replace follows no link either, but says so nowhere
    except OSError as error:
        raise FetchFailed(f"code cannot be put at {link}: {error.strerror}") from None
