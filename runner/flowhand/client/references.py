"""What templates refer to at the API: the values of blocks and variables."""

from __future__ import annotations

from typing import Any

from flowhand.client import blocks, variables
from flowhand.client.call import Errand, Json

VARIABLE = "variable"


def value_of(kind: str, name: str) -> Errand[Any]:
    """The value of a variable (kind `variable`), else the fields of a block of this type with its secrets; of one with nothing but a
    `value`, that. ObjectNotFound when there is none."""
    if kind == VARIABLE:
        found: Json = yield variables.read(name)
        return found["value"]
    document: Json = yield blocks.read(kind, name, secrets=True)
    fields: Json = document["data"]
    return fields["value"] if fields.keys() == {"value"} else fields
