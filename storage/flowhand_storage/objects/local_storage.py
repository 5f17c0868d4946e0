"""A folder of this machine as a deployment's storage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flowhand_storage.dual import dual
from flowhand_storage.errors import SourceNotFound
from flowhand_storage.paths import local_path


class LocalStorage:
    """Code used where it lies: nothing is copied, and a run sees what the folder holds when it starts."""

    def __init__(self, path: str | Path, pull_interval: int | None = None) -> None:
        self._path = local_path(path)
        self._pull_interval = pull_interval

    @property
    def destination(self) -> Path:
        """The folder itself."""
        return self._path

    @property
    def pull_interval(self) -> int | None:
        """Seconds between two pulls; None, as there is nothing to pull."""
        return self._pull_interval

    def set_base_path(self, path: Path) -> None:
        """Changes nothing: the folder is where it is."""

    @dual
    def pull_code(self) -> Path:
        """The folder. SourceNotFound when it is not there. May be awaited."""
        if not self._path.is_dir():
            raise SourceNotFound(f"there is no folder {self._path}")
        return self._path

    def to_pull_step(self) -> dict[str, Any]:
        """A `set_working_directory` step: every worker must have the folder at the same place."""
        return {"prefect.deployments.steps.set_working_directory": {"directory": str(self._path)}}

    def __eq__(self, other: object) -> bool:
        return self._path == other._path if isinstance(other, LocalStorage) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._path)

    def __repr__(self) -> str:
        return f"LocalStorage(path={str(self._path)!r})"
