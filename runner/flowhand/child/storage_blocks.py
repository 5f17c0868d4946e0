"""Storage blocks for pull steps. Loads the classes of blocks, so it is loaded for deployments whose code is in one only."""

from __future__ import annotations

from flowhand.blocks.block import Block
from flowhand.blocks.errands import load
from flowhand.child.references import address_of
from flowhand.client.api import SyncApiClient
from flowhand.wire.job import Job


def load_block(kind: str, name: str, job: Job) -> Block:
    """The block of a type and a name, secrets included. BlockNotFound; UnknownBlockType when its class is not known in this process."""
    with SyncApiClient(address_of(job)) as api:
        return api.run(load(Block, f"{kind}/{name}"))
