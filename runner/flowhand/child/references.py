"""What pull steps refer to at the API: blocks and variables. Loads the client, so it is loaded for the first reference only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flowhand.client.address import Address
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Call, Json, path_of, read_json
from flowhand.errors import FlowhandError
from flowhand.wire.job import Job
from flowhand_storage.steps.progress import Reference


def resolve(reference: Reference, job: Job) -> Any:
    """A variable's value, or a block's fields with its secrets; of a block with nothing but a `value`, that.

    Asked with the worker's credentials. Errors of flowhand.errors, ObjectNotFound among them.
    """
    with SyncApiClient(_address(job)) as api:
        if reference.is_variable:
            found: Json = api.send(_variable(reference.name))
            return found["value"]
        block: Json = api.send(_block(reference.kind, reference.name))
    fields = block["data"]
    return fields["value"] if fields.keys() == {"value"} else fields


def _variable(name: str) -> Call[Json]:
    return Call("GET", path_of("variables", "name", name), read_json, about=f"variable {name!r}")


def _block(kind: str, name: str) -> Call[Json]:
    path = path_of("block_types", "slug", kind, "block_documents", "name", name)
    return Call("GET", path, read_json, query={"include_secrets": "true"}, about=f"block {kind}/{name}")


def _address(job: Job) -> Address:
    if job["api_file"] is None:
        raise FlowhandError("this run was not told where the API is")
    proof = json.loads(Path(job["api_file"]).read_bytes())
    return Address(proof["url"], proof["authorization"])
