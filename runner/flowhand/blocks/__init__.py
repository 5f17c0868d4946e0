"""Configuration documents and secrets, kept at the API under a name. Names are loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowhand.lazy import on_first_use

if TYPE_CHECKING:
    from flowhand.blocks.block import Block
    from flowhand.blocks.credentials import BitBucketCredentials, GitCredentials, GitHubCredentials, GitLabCredentials
    from flowhand.blocks.documents import InvalidBlock
    from flowhand.blocks.errands import BlockNotFound
    from flowhand.blocks.integrations import AwsCredentials, AzureBlobStorageCredentials, GcpCredentials, MinIOCredentials
    from flowhand.blocks.registry import UnknownBlockType
    from flowhand.blocks.secret_types import SecretDict
    from flowhand.blocks.system import JSON, DateTime, Secret, String
    from flowhand.blocks.webhooks import SlackWebhook, Webhook

__all__ = [
    "JSON",
    "AwsCredentials",
    "AzureBlobStorageCredentials",
    "BitBucketCredentials",
    "Block",
    "BlockNotFound",
    "DateTime",
    "GcpCredentials",
    "GitCredentials",
    "GitHubCredentials",
    "GitLabCredentials",
    "InvalidBlock",
    "MinIOCredentials",
    "Secret",
    "SecretDict",
    "SlackWebhook",
    "String",
    "UnknownBlockType",
    "Webhook",
]

__getattr__ = on_first_use(
    __name__,
    {
        "flowhand.blocks.block": ("Block",),
        "flowhand.blocks.credentials": ("BitBucketCredentials", "GitCredentials", "GitHubCredentials", "GitLabCredentials"),
        "flowhand.blocks.documents": ("InvalidBlock",),
        "flowhand.blocks.errands": ("BlockNotFound",),
        "flowhand.blocks.integrations": ("AwsCredentials", "AzureBlobStorageCredentials", "GcpCredentials", "MinIOCredentials"),
        "flowhand.blocks.registry": ("UnknownBlockType",),
        "flowhand.blocks.secret_types": ("SecretDict",),
        "flowhand.blocks.system": ("DateTime", "JSON", "Secret", "String"),
        "flowhand.blocks.webhooks": ("SlackWebhook", "Webhook"),
    },
)
