"""Blocks that Prefect's packages for AWS, GCP, Azure and GitHub save: read here without these packages, as storage and as credentials."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from flowhand.blocks.block import Block
from flowhand.blocks.credentials import GitHubCredentials
from flowhand.blocks.documents import data_of
from flowhand.blocks.object_stores import Bucket
from flowhand.blocks.repositories import Repository
from flowhand.blocks.secret_types import SecretDict
from flowhand_storage.steps import stores


class AwsClientParameters(BaseModel):
    """How boto3's client is made."""

    model_config = ConfigDict(extra="ignore")

    api_version: str | None = None
    use_ssl: bool = True
    verify: bool | str | None = True
    endpoint_url: str | None = None


class AwsCredentials(Block):
    """A key of Amazon Web Services; what the machine has where nothing is given."""

    _block_type_name = "AWS Credentials"

    aws_access_key_id: str | None = Field(default=None, description="The key's id.")
    aws_secret_access_key: SecretStr | None = Field(default=None, description="The key.")
    aws_session_token: str | None = Field(default=None, description="The token of a session.")
    profile_name: str | None = Field(default=None, description="A profile of the machine's own configuration.")
    region_name: str | None = Field(default=None, description="The region.")
    aws_client_parameters: AwsClientParameters = Field(default_factory=AwsClientParameters, description="How the client is made.")


class MinIOCredentials(Block):
    """Who may see a MinIO server."""

    _block_type_name = "MinIO Credentials"

    minio_root_user: str = Field(description="The user.")
    minio_root_password: SecretStr = Field(description="The user's password.")
    region_name: str | None = Field(default=None, description="The region.")
    aws_client_parameters: AwsClientParameters = Field(default_factory=AwsClientParameters, description="How the client is made.")


class S3Bucket(Bucket):
    """A folder of a bucket, with credentials of their own."""

    _block_type_name = "S3 Bucket"

    bucket_name: str = Field(description="The bucket.")
    credentials: MinIOCredentials | AwsCredentials = Field(default_factory=AwsCredentials, description="Who may see it.")
    bucket_folder: str = Field(default="", description="A folder in it.")

    def url(self) -> str:
        """`s3://bucket/folder`."""
        return self._store()[0]

    def options(self) -> dict[str, Any]:
        """As of s3fs."""
        return self._store()[1]

    def _store(self) -> stores.Store:
        given = data_of(self.credentials)
        if isinstance(self.credentials, MinIOCredentials):
            given |= {"aws_access_key_id": given.pop("minio_root_user"), "aws_secret_access_key": given.pop("minio_root_password")}
        return stores.s3(self.bucket_name, self.bucket_folder.strip("/"), given, None)


class GcpCredentials(Block):
    """A service account of Google Cloud; what the machine has where nothing is given."""

    _block_type_name = "GCP Credentials"

    service_account_file: str | None = Field(default=None, description="Where its key is on the machine.")
    service_account_info: SecretDict | None = Field(default=None, description="Its key.")
    project: str | None = Field(default=None, description="The project.")


class GcsBucket(Bucket):
    """A folder of a bucket, with credentials of their own."""

    _block_type_name = "GCS Bucket"

    bucket: str = Field(description="The bucket.")
    gcp_credentials: GcpCredentials = Field(default_factory=GcpCredentials, description="Who may see it.")
    bucket_folder: str = Field(default="", description="A folder in it.")

    def url(self) -> str:
        """`gs://bucket/folder`."""
        return self._store()[0]

    def options(self) -> dict[str, Any]:
        """As of gcsfs."""
        return self._store()[1]

    def _store(self) -> stores.Store:
        return stores.gcs(self.bucket, self.bucket_folder.strip("/"), None, data_of(self.gcp_credentials))


class AzureBlobStorageCredentials(Block):
    """Who may see an account of Azure Blob Storage."""

    _block_type_name = "Azure Blob Storage Credentials"

    account_url: str | None = Field(default=None, description="The account, for what the machine has.")
    connection_string: SecretStr | None = Field(default=None, description="Says all that is needed.")


class AzureBlobStorageContainer(Bucket):
    """A folder of a container, with credentials of their own."""

    _block_type_name = "Azure Blob Storage Container"

    container_name: str = Field(description="The container.")
    credentials: AzureBlobStorageCredentials = Field(default_factory=AzureBlobStorageCredentials, description="Who may see it.")
    base_folder: str | None = Field(default=None, description="A folder in it.")

    def url(self) -> str:
        """`az://container/folder`."""
        return self._store()[0]

    def options(self) -> dict[str, Any]:
        """As of adlfs."""
        return self._store()[1]

    def _store(self) -> stores.Store:
        return stores.azure(self.container_name, (self.base_folder or "").strip("/"), data_of(self.credentials))


class GitHubRepository(Repository):
    """A repository of GitHub, with credentials of their own."""

    _block_type_name = "GitHub Repository"

    repository: str = Field(alias="repository_url", description="The repository's address.")
    credentials: GitHubCredentials | None = Field(default=None, description="For a private repository.")

    def shown_to_host(self) -> Any:
        """Its credentials block."""
        return self.credentials
