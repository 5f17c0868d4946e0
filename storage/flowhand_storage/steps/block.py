"""The step that fetches code through a storage block."""

from __future__ import annotations

from typing import Any

from flowhand_storage.blocks import BlockSource
from flowhand_storage.errors import InvalidStep
from flowhand_storage.steps.fetching import fetch
from flowhand_storage.steps.progress import LoadBlock, StepRun


def pull_with_block(run: StepRun, *, block_type_slug: str, block_document_name: str, from_path: str | None = None) -> dict[str, str]:
    """Fetch what a saved storage block gives out, from the folder `from_path` in it. Puts out `directory`, absolute."""
    if run.context.load_block is None:
        raise InvalidStep("a block cannot be loaded here: there is no API to ask")
    block = _loaded(run, run.context.load_block, block_type_slug, block_document_name)
    return {"directory": fetch(run, BlockSource(block, from_path))}


def _loaded(run: StepRun, load: LoadBlock, kind: str, name: str) -> Any:
    try:
        return load(kind, name)
    except Exception as error:  # noqa: BLE001 - whoever loads blocks may raise anything
        failure = InvalidStep(run.clean(f"the block {kind}/{name} cannot be loaded: {error}"))
    raise failure
