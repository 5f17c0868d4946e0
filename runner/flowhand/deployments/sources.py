"""Where a deployment's code comes from."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

from flowhand.blocks.capabilities import GET_DIRECTORY, require
from flowhand.blocks.registry import is_block_class
from flowhand.deployments.placeholders import load_flow_or_placeholder
from flowhand.sdk.flow import Flow
from flowhand_storage import create_storage_from_source

BASE: Final = "$STORAGE_BASE_PATH"
"""Stands in a deployment's path for the folder that whoever runs it pulls code into."""


class Storage(Protocol):
    """What a deployment needs of a storage object (`flowhand_storage`)."""

    @property
    def destination(self) -> Path:
        """The folder that the code is in once it was pulled."""
        ...

    def set_base_path(self, path: Path) -> None:
        """Where `destination` lies from now on."""
        ...

    def pull_code(self) -> Any:
        """Brings the code into `destination`. Idempotent."""
        ...

    def to_pull_step(self) -> dict[str, Any]:
        """The step by which a worker gets the code."""
        ...


async def flow_from_source(source: Any, entrypoint: str) -> Flow[..., Any]:
    """The flow at `entrypoint`, a path counted from the source's root. Its deployments carry the storage.

    Code that has to be pulled is pulled into a temporary folder, which is gone afterwards. A flow whose imports are missing here is a
    placeholder. ValueError for an unknown source, BlockMissingCapabilities for a block that gives out no code, FlowLoadError when the flow
    cannot be loaded; what pulling raises.
    """
    if is_block_class(type(source)) and not hasattr(source, "get_directory"):
        require(source, GET_DIRECTORY)
    storage: Storage = create_storage_from_source(source)
    with TemporaryDirectory(prefix="flowhand-source-") as base:
        storage.set_base_path(Path(base))
        await asyncio.to_thread(storage.pull_code)
        flow = load_flow_or_placeholder(entrypoint, storage.destination)
        flow.storage = storage
        flow.source_path = str(storage.destination).replace(base, BASE)
        flow.fix_version()
    return flow
