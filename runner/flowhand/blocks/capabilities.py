"""What blocks can be asked to do."""

from __future__ import annotations

from typing import Any, Final

from flowhand.blocks.registry import is_block_class
from flowhand.errors import BlockMissingCapabilities

GET_DIRECTORY: Final = "get-directory"
PUT_DIRECTORY: Final = "put-directory"
READ_PATH: Final = "read-path"
WRITE_PATH: Final = "write-path"
RUN_INFRASTRUCTURE: Final = "run-infrastructure"

_MEANS: Final = {
    GET_DIRECTORY: "give out a folder of code; LocalFileSystem, S3 or GitHub can",
    PUT_DIRECTORY: "take a folder of code; LocalFileSystem, S3 or RemoteFileSystem can",
    RUN_INFRASTRUCTURE: "run a flow; Process, DockerContainer and KubernetesJob can",
}


def can(block: Any, capability: str) -> bool:
    """Whether a block has a capability; False for what is no block."""
    return is_block_class(type(block)) and capability in block.get_block_capabilities()


def require(block: Any, capability: str) -> None:
    """BlockMissingCapabilities, which names the block and what it cannot do."""
    if not can(block, capability):
        means = _MEANS.get(capability, f"do this ({capability})")
        raise BlockMissingCapabilities(f"a {type(block).__name__} block cannot {means}")
