"""What pull steps refer to at the API: blocks and variables. Loads the client, so it is loaded for the first reference only.

Asked with the worker's credentials. Errors of flowhand.errors, ObjectNotFound among them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flowhand.client import blocks, variables
from flowhand.client.address import Address
from flowhand.client.api import SyncApiClient
from flowhand.errors import FlowhandError
from flowhand.wire.job import Job
from flowhand_storage.steps.progress import Reference


def resolve(reference: Reference, job: Job) -> Any:
    """A variable's value, or a block's fields with its secrets; of a block with nothing but a `value`, that."""
    with SyncApiClient(address_of(job)) as api:
        if reference.is_variable:
            return api.send(variables.read(reference.name))["value"]
        fields = api.send(blocks.read(reference.kind, reference.name, secrets=True))["data"]
    return fields["value"] if fields.keys() == {"value"} else fields


def address_of(job: Job) -> Address:
    """The API of the worker that runs this job, with the worker's credentials."""
    if job["api_file"] is None:
        raise FlowhandError("this run was not told where the API is")
    return Address.of_proof(json.loads(Path(job["api_file"]).read_bytes()))
