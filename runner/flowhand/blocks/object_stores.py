"""Storage blocks over whatever fsspec reads. `flowhand_storage` does the work; the back ends are extras: `pip install "flowhand[s3]"`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator

from flowhand.blocks.secret_types import SecretValues
from flowhand.blocks.storage import StorageBlock
from flowhand_storage.dual import dual
from flowhand_storage.errors import UnsafePath
from flowhand_storage.ignore import find_rules
from flowhand_storage.paths import is_inside
from flowhand_storage.remote.options import service_account
from flowhand_storage.secrets import reveal
from flowhand_storage.transfer import download_tree, read_file, upload_tree, write_file
from flowhand_storage.upload_bar import upload_bar


class ObjectStore(StorageBlock, ABC):
    """A place with a URL."""

    @abstractmethod
    def url(self) -> str:
        """The place that paths count from."""

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """What fsspec's file system is given; what is None is left out."""

    @dual
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """See `CodeBlock.get_directory`."""
        download_tree(self._below(from_path), Path(local_path or ".").resolve(), self._given())

    @dual
    def put_directory(self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None) -> int:
        """See `StorageBlock.put_directory`."""
        folder = Path(local_path or ".").resolve()
        rules = find_rules(folder, Path(ignore_file) if ignore_file else None)
        with upload_bar() as progress:
            return upload_tree(folder, self._below(to_path), self._given(), rules=rules, progress=progress)

    @dual
    def read_path(self, path: str) -> bytes:
        """See `StorageBlock.read_path`."""
        return read_file(self._below(path), self._given())

    @dual
    def write_path(self, path: str, content: bytes) -> str:
        """See `StorageBlock.write_path`."""
        place = self._below(path)
        write_file(place, content, self._given())
        return place

    def _below(self, path: str | None) -> str:
        base = self.url().rstrip("/")
        name = (path or "").removeprefix(base).removeprefix("/") if (path or "").startswith(base + "/") else path
        if not name or name in (".", "./"):
            return base
        if "://" in name or not is_inside(name):
            raise UnsafePath(f"{name!a} is outside of the block's place, {base}")
        return f"{base}/{name.removeprefix('./')}"

    def _given(self) -> dict[str, Any]:
        return {name: reveal(value) for name, value in self.options().items() if value is not None}


class RemoteFileSystem(ObjectStore):
    """A place that fsspec reads and writes, named by its URL."""

    _block_type_name = "Remote File System"

    basepath: str = Field(description="The URL that paths count from.", examples=["s3://my-bucket/my-folder/"])
    settings: SecretValues = Field(default_factory=dict, description="Given to fsspec's file system.", repr=False)

    @field_validator("basepath")
    @classmethod
    def _has_a_scheme(cls, value: str) -> str:
        scheme, found, _ = value.partition("://")
        if not found or not scheme:
            raise ValueError("is no URL: write it like s3://my-bucket/my-folder")
        if scheme in ("file", "local"):
            raise ValueError("is a folder of this machine: use LocalFileSystem")
        return value

    def url(self) -> str:
        """Its `basepath`."""
        return self.basepath

    def options(self) -> dict[str, Any]:
        """Its `settings`."""
        return self.settings


class Bucket(ObjectStore, ABC):
    """A place whose URL is put together of what the block knows."""

    @property
    def basepath(self) -> str:
        """The URL that paths count from."""
        return self.url()


class S3(Bucket):
    """A folder of an S3 bucket."""

    bucket_path: str = Field(description="Bucket and folder.", examples=["my-bucket/a-directory-within"])
    aws_access_key_id: SecretStr | None = Field(default=None, title="AWS Access Key ID", description="What the machine has, unless given.")
    aws_secret_access_key: SecretStr | None = Field(
        default=None, title="AWS Secret Access Key", description="What the machine has, unless given."
    )
    endpoint_url: str | None = Field(default=None, description="The address of a store that speaks S3 and is not Amazon's.")

    def url(self) -> str:
        """`s3://bucket/folder`."""
        return f"s3://{self.bucket_path.removeprefix('s3://')}"

    def options(self) -> dict[str, Any]:
        """As of s3fs."""
        return {"key": self.aws_access_key_id, "secret": self.aws_secret_access_key, "endpoint_url": self.endpoint_url}


class GCS(Bucket):
    """A folder of a bucket of Google Cloud Storage."""

    bucket_path: str = Field(description="Bucket and folder.", examples=["my-bucket/a-directory-within"])
    service_account_info: SecretStr | None = Field(
        default=None, description="A service account, as JSON; what the machine has, unless given."
    )
    project: str | None = Field(default=None, description="The project; the service account's, unless given.")

    def url(self) -> str:
        """`gs://bucket/folder`."""
        return f"gs://{self.bucket_path.removeprefix('gs://').removeprefix('gcs://')}"

    def options(self) -> dict[str, Any]:
        """As of gcsfs."""
        return {"token": service_account(reveal(self.service_account_info)), "project": self.project}


class Azure(Bucket):
    """A folder of a container of Azure Blob Storage."""

    bucket_path: str = Field(description="Container and folder; the folder alone when the container is given apart.")
    azure_storage_connection_string: SecretStr | None = Field(default=None, description="Says all that is needed.")
    azure_storage_account_name: SecretStr | None = Field(default=None, description="The account.")
    azure_storage_account_key: SecretStr | None = Field(default=None, description="The account's key.")
    azure_storage_tenant_id: SecretStr | None = Field(default=None, description="The tenant of a service principal.")
    azure_storage_client_id: SecretStr | None = Field(default=None, description="The id of a service principal.")
    azure_storage_client_secret: SecretStr | None = Field(default=None, description="The secret of a service principal.")
    azure_storage_anon: bool = Field(
        default=True, description="Without credentials: anonymous (true), or as the machine is set up (false)."
    )
    azure_storage_container: SecretStr | None = Field(default=None, description="The container.")

    def url(self) -> str:
        """`az://container/folder`."""
        container = reveal(self.azure_storage_container)
        path = self.bucket_path.removeprefix("az://")
        return f"az://{container}/{path}" if container else f"az://{path}"

    def options(self) -> dict[str, Any]:
        """As of adlfs."""
        names = ("connection_string", "account_name", "account_key", "tenant_id", "client_id", "client_secret")
        return {name: getattr(self, f"azure_storage_{name}") for name in names} | {"anon": self.azure_storage_anon}


class SMB(Bucket):
    """A folder of an SMB share."""

    share_path: str = Field(description="Share and folder.", examples=["/SHARE/dir/subdir"])
    smb_username: SecretStr | None = Field(default=None, title="SMB Username", description="Who may see the share.")
    smb_password: SecretStr | None = Field(default=None, title="SMB Password", description="The user's password.")
    smb_host: str = Field(title="SMB server/hostname", description="The server.")
    smb_port: int | None = Field(default=None, title="SMB port", description="The server's port; 445 unless given.")

    def url(self) -> str:
        """`smb://host:port/share/folder`."""
        port = f":{self.smb_port}" if self.smb_port else ""
        return f"smb://{self.smb_host}{port}/{self.share_path.lstrip('/')}"

    def options(self) -> dict[str, Any]:
        """As of fsspec's SMB file system."""
        return {"username": self.smb_username, "password": self.smb_password}
