"""Configuration documents and secrets, kept at the API under a name. Names are loaded on first use.

from flowhand.blocks import Block, Secret

Secret(value="s3cr3t").save("database-password")
Secret.load("database-password").get()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowhand.blocks.block import Block
    from flowhand.blocks.secret_types import SecretDict

__all__ = ["Block", "SecretDict"]

_HOMES = {
    "Block": "flowhand.blocks.block",
    "SecretDict": "flowhand.blocks.secret_types",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'flowhand.blocks' has no attribute {name!r}")
    return getattr(import_module(home), name)
