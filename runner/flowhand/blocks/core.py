"""`Block`, under the path that users of Prefect know."""

from flowhand.blocks.block import Block

__all__ = ["Block"]
