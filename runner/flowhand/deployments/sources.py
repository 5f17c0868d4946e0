"""Where a deployment's code comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from flowhand.sdk.flow import Flow
from flowhand.sdk.loading import load_flow


class Storage(Protocol):
    """What a deployment needs of the storage that its code comes from."""

    @property
    def destination(self) -> Path:
        """The folder that the code is in once it was pulled."""
        ...

    async def pull_code(self) -> None:
        """Brings the code into `destination`. Idempotent."""
        ...

    def to_pull_step(self) -> dict[str, Any]:
        """The step by which a worker gets the code."""
        ...


class LocalFolder:
    """A folder on this machine, or one that every worker has at the same place."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path).expanduser().absolute()

    @property
    def destination(self) -> Path:
        """The folder itself."""
        return self._path

    async def pull_code(self) -> None:
        """Nothing has to be brought. ValueError when there is no such folder."""
        if not self._path.is_dir():
            raise ValueError(f"there is no folder {self._path}")

    def to_pull_step(self) -> dict[str, Any]:
        """Workers of either kind know it by this name (contract 6.3)."""
        return {"prefect.deployments.steps.set_working_directory": {"directory": str(self._path)}}


def storage_of(source: Any) -> Storage:
    """The storage that a source means: a storage object as it is, a path or file:// URL as a folder. ValueError for what is not known."""
    if isinstance(source, Path):
        return LocalFolder(source)
    if not isinstance(source, str):
        if all(hasattr(source, name) for name in ("destination", "pull_code", "to_pull_step")):
            return source
        raise ValueError(f"{source!r} is no source of code: give a folder or a storage object")
    parts = urlsplit(source)
    if parts.scheme == "file":
        return LocalFolder(unquote(parts.path))
    if parts.scheme in ("", "local") or Path(source).exists():
        return LocalFolder(source.removeprefix("local://"))
    raise ValueError(f"{source!r} is no folder; code is taken from local folders")


async def flow_from_source(source: Any, entrypoint: str) -> Flow[..., Any]:
    """The flow at `entrypoint`, a path counted from the source's root. Its deployments carry the storage.

    ValueError for an unknown source, FlowLoadError when the flow cannot be loaded.
    """
    storage = storage_of(source)
    await storage.pull_code()
    flow = load_flow(entrypoint, storage.destination)
    flow.storage = storage
    return flow
