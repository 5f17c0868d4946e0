"""Configuration documents and secrets, kept at the API under a name. Names are loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_HOMES = {
    "AwsCredentials": "flowhand.blocks.integrations",
    "AzureBlobStorageCredentials": "flowhand.blocks.integrations",
    "BitBucketCredentials": "flowhand.blocks.credentials",
    "Block": "flowhand.blocks.block",
    "BlockNotFound": "flowhand.blocks.errands",
    "DateTime": "flowhand.blocks.system",
    "GcpCredentials": "flowhand.blocks.integrations",
    "GitCredentials": "flowhand.blocks.credentials",
    "GitHubCredentials": "flowhand.blocks.credentials",
    "GitLabCredentials": "flowhand.blocks.credentials",
    "InvalidBlock": "flowhand.blocks.documents",
    "JSON": "flowhand.blocks.system",
    "MinIOCredentials": "flowhand.blocks.integrations",
    "Secret": "flowhand.blocks.system",
    "SecretDict": "flowhand.blocks.secret_types",
    "SlackWebhook": "flowhand.blocks.webhooks",
    "String": "flowhand.blocks.system",
    "UnknownBlockType": "flowhand.blocks.registry",
    "Webhook": "flowhand.blocks.webhooks",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'flowhand.blocks' has no attribute {name!r}")
    return getattr(import_module(home), name)
