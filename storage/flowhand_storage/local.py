"""Code in a folder of this machine, copied, so that a run does not see what is edited while it runs."""

from __future__ import annotations

import shutil
from pathlib import Path

from flowhand_storage.errors import FetchFailed, SourceNotFound
from flowhand_storage.ignore import find_rules, kept_files
from flowhand_storage.paths import digest, local_path


class LocalSource:
    """The files below `path` that its ignore file keeps. Links are copied as links."""

    def __init__(self, path: Path) -> None:
        self._path = local_path(path)

    @property
    def label(self) -> str:
        return self._path.name

    @property
    def identity(self) -> str:
        return f"local {self._path}"

    def revision(self, cache: Path) -> str:
        """A digest of names, sizes, modes and times: no file is read."""
        _ = cache
        seen = [self.identity]
        try:
            for name in self._files():
                state = (self._path / name).lstat()
                seen.append(f"{name} {state.st_mode} {state.st_size} {state.st_mtime_ns}")
        except OSError as error:
            raise FetchFailed(f"{self._path} cannot be read: {error.strerror}") from None
        return digest(*seen)

    def fetch(self, revision: str, folder: Path, cache: Path) -> None:
        """Copies what is there now; FetchFailed when that is no longer `revision`, so that no checkout bears a wrong name."""
        try:
            for name in self._files():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self._path / name, target, follow_symlinks=False)
        except OSError as error:
            raise FetchFailed(f"{self._path} cannot be copied: {error.strerror}") from None
        if self.revision(cache) != revision:
            raise FetchFailed(f"{self._path} changed while it was copied; try again")

    def _files(self) -> list[str]:
        if not self._path.is_dir():
            raise SourceNotFound(f"there is no folder {self._path}")
        return list(kept_files(self._path, find_rules(self._path)))
