"""What pull steps refer to at the API: blocks and variables. Loads the client, so it is loaded for the first reference only.

Asked with the worker's credentials. Errors of flowhand.errors, ObjectNotFound among them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flowhand.client.address import Address
from flowhand.client.api import SyncApiClient
from flowhand.client.references import value_of
from flowhand.errors import FlowhandError
from flowhand.wire.job import Job
from flowhand_storage.steps.progress import Reference


def resolve(reference: Reference, job: Job) -> Any:
    """See `flowhand.client.references.value_of`."""
    with SyncApiClient(address_of(job)) as api:
        return api.run(value_of(reference.kind, reference.name))


def address_of(job: Job) -> Address:
    """The API of the worker that runs this job, with the worker's credentials."""
    if job["api_file"] is None:
        raise FlowhandError("this run was not told where the API is")
    return Address.of_proof(json.loads(Path(job["api_file"]).read_bytes()))
