"""Types of fields, under the path that users of Prefect know."""

from flowhand.blocks.secret_types import SecretDict

__all__ = ["SecretDict"]
