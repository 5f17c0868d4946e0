"""The event that tells which blocks a run has loaded (contract 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from flowhand.blocks.documents import document_id_of, document_name_of
from flowhand.events.emitting import emit_event
from flowhand.sdk.context import current_run
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE

if TYPE_CHECKING:
    from flowhand.blocks.block import Block

    B = TypeVar("B", bound=Block)


def told(block: B) -> B:
    """The block itself. Within a run, `prefect.block.<type>.loaded` is emitted, with the run related to it.

    Elsewhere nothing is: whoever deploys with a key that may do no more than that could not send it.
    """
    if current_run() is not None:
        slug = block.get_block_type_slug()
        resource = {RESOURCE_ID: f"prefect.block-document.{document_id_of(block)}", RESOURCE_NAME: document_name_of(block) or ""}
        related = [{RESOURCE_ID: f"prefect.block-type.{slug}", RESOURCE_ROLE: "block-type"}]
        emit_event(f"prefect.block.{slug}.loaded", resource, related=related)
    return block
