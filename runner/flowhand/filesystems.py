"""Storage blocks: where code and files are kept."""

from flowhand.blocks.integrations import AzureBlobStorageContainer, GcsBucket, GitHubRepository, S3Bucket
from flowhand.blocks.object_stores import GCS, S3, SMB, Azure, RemoteFileSystem
from flowhand.blocks.repositories import BitBucket, GitHub, GitLab
from flowhand.blocks.storage import LocalFileSystem

__all__ = [
    "GCS",
    "S3",
    "SMB",
    "Azure",
    "AzureBlobStorageContainer",
    "BitBucket",
    "GcsBucket",
    "GitHub",
    "GitHubRepository",
    "GitLab",
    "LocalFileSystem",
    "RemoteFileSystem",
    "S3Bucket",
]
