"""What pull steps refer to at the API: blocks and variables. Loads the client, so it is loaded for the first reference only.

Asked with the worker's credentials. Errors of flowhand.errors, ObjectNotFound among them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flowhand.blocks.block import Block
from flowhand.blocks.errands import load
from flowhand.client import blocks, variables
from flowhand.client.address import Address
from flowhand.client.api import SyncApiClient
from flowhand.errors import FlowhandError
from flowhand.wire.job import Job
from flowhand_storage.steps.progress import Reference


def resolve(reference: Reference, job: Job) -> Any:
    """A variable's value, or a block's fields with its secrets; of a block with nothing but a `value`, that."""
    with SyncApiClient(_address(job)) as api:
        if reference.is_variable:
            return api.send(variables.read(reference.name))["value"]
        fields = api.send(blocks.read(reference.kind, reference.name, secrets=True))["data"]
    return fields["value"] if fields.keys() == {"value"} else fields


def load_block(kind: str, name: str, job: Job) -> Block:
    """The block itself. UnknownBlockType when its class is not known in this process."""
    with SyncApiClient(_address(job)) as api:
        return api.run(load(Block, f"{kind}/{name}"))


def _address(job: Job) -> Address:
    if job["api_file"] is None:
        raise FlowhandError("this run was not told where the API is")
    return Address.of_proof(json.loads(Path(job["api_file"]).read_bytes()))
