"""A storage block as a deployment's storage."""

from __future__ import annotations

from typing import Any

from flowhand_storage.blocks import BlockSource
from flowhand_storage.errors import InvalidSource
from flowhand_storage.objects.pulled import PulledStorage
from flowhand_storage.objects.references import block_name
from flowhand_storage.paths import label


class BlockStorageAdapter(PulledStorage):
    """Whatever block has `get_directory`. `name` is the folder's name below the base path; `pull_interval` is in seconds."""

    def __init__(self, block: Any, name: str | None = None, pull_interval: int | None = 60) -> None:
        """InvalidSource (a ValueError) for a block that gives out no folders."""
        self._block = block
        self._source = BlockSource(block)
        super().__init__(name or label(self._source.label), pull_interval)

    def source(self) -> BlockSource:
        return self._source

    def to_pull_step(self) -> dict[str, Any]:
        """A `pull_with_block` step, or what the block's own `get_pull_step` answers. InvalidSource for a block that was never saved."""
        if hasattr(self._block, "get_pull_step"):
            return self._block.get_pull_step()
        saved = block_name(self._block)
        if saved is None:
            raise InvalidSource(f"save the {type(self._block).__name__} block first: a worker finds it by its name")
        kind, name = saved
        return {"prefect.deployments.steps.pull_with_block": {"block_type_slug": kind, "block_document_name": name}}

    def __eq__(self, other: object) -> bool:
        return self._block == other._block if isinstance(other, BlockStorageAdapter) else NotImplemented

    def __hash__(self) -> int:
        return hash(id(self._block))

    def __repr__(self) -> str:
        return f"BlockStorageAdapter(block={self._source.label!r})"
