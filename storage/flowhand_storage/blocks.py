"""Blocks as a source: whatever has `get_directory`."""

from __future__ import annotations

import hashlib
import inspect
import shutil
import tempfile
from pathlib import Path
from typing import Any

from flowhand_storage.errors import FetchFailed, InvalidSource
from flowhand_storage.guard import guarded
from flowhand_storage.ignore import IgnoreRules, kept_files
from flowhand_storage.paths import digest
from flowhand_storage.remote.options import secret_texts, without_secrets
from flowhand_storage.scrub import Scrubber


class BlockSource:
    """What a storage block gives out. It cannot say what state that is in, so the files are fetched to find out: the revision is theirs."""

    def __init__(self, block: Any, path: str | None = None) -> None:
        """`path` is the folder within the block's own; InvalidSource for a block that gives out no folders."""
        if not callable(getattr(block, "get_directory", None)):
            raise InvalidSource(f"a {type(block).__name__} block has no get_directory; it cannot hold code")
        self._block = block
        self._path = path
        self._staged: tuple[str, tempfile.TemporaryDirectory[str]] | None = None
        self._settings = {name: value for name, value in vars(block).items() if not name.startswith("__")}

    @property
    def label(self) -> str:
        return str(getattr(self._block, "_block_document_name", None) or type(self._block).__name__)

    @property
    def identity(self) -> str:
        return f"block {type(self._block).__qualname__} {self._path} {digest(repr(without_secrets(self._settings)))}"

    def revision(self, cache: Path) -> str:
        (cache / "block").mkdir(exist_ok=True, mode=0o700)
        staged = tempfile.TemporaryDirectory(dir=cache / "block", prefix=".staged-")
        folder = Path(staged.name)
        guarded(f"the block {self.label}", Scrubber(secret_texts(self._settings)), lambda: self._get(folder))
        self._staged = (_revision_of(folder), staged)
        return self._staged[0]

    def fetch(self, revision: str, folder: Path, cache: Path) -> None:
        if not self._has(revision) and self.revision(cache) != revision:
            raise FetchFailed(f"the block {self.label} holds other files by now; try again")
        assert self._staged is not None
        _, staged = self._staged
        self._staged = None
        with staged as name:
            for entry in Path(name).iterdir():
                shutil.move(entry, folder / entry.name)

    def _has(self, revision: str) -> bool:
        return self._staged is not None and self._staged[0] == revision and Path(self._staged[1].name).is_dir()

    def _get(self, folder: Path) -> None:
        got = self._block.get_directory(from_path=self._path, local_path=str(folder))
        if inspect.isawaitable(got):
            # Not at the top: most blocks answer plainly, and a run's start should not wait for the import.
            import asyncio

            asyncio.run(_finish(got))


async def _finish(work: Any) -> None:
    await work


def _revision_of(folder: Path) -> str:
    seen: list[str] = []
    for name in kept_files(folder, IgnoreRules()):
        path = folder / name
        content = str(path.readlink()) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
        seen.append(f"{name} {content}")
    return digest(*seen)
