"""Remote origins for the contract suite: web and file servers, an object store, archives."""

from __future__ import annotations

import os
import tarfile
import uuid
import zipfile
from pathlib import Path

import fsspec

from flowhand_storage.remote.source import remote_source
from flowhand_storage.source import Source
from support.samba_server import PASSWORD, SambaServer
from support.served_folder import ServedFolder
from support.ssh_server import SshServer
from support.storage_azure import azure_settings
from support.storage_files import Files, write_files
from support.storage_gcs import gcs_settings
from support.storage_requires import require
from support.storage_s3 import new_bucket, s3_settings


class MemoryOrigin:
    """fsspec's file system in this process's memory."""

    def __init__(self, folder: Path) -> None:
        self.root = f"/{uuid.uuid4().hex}"

    def put(self, files: Files) -> None:
        filesystem = fsspec.filesystem("memory")
        if filesystem.exists(self.root):
            filesystem.rm(self.root, recursive=True)
        for name, text in files.items():
            filesystem.pipe(f"{self.root}/{name}", text.encode())

    def source(self) -> Source:
        return remote_source(f"memory:/{self.root}")

    def missing(self) -> Source:
        return remote_source(f"memory:/{self.root}/nowhere")

    def close(self) -> None:
        """Memory needs no ending."""


class HttpOrigin:
    """A folder listed and served by a web server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "www"
        self.server = ServedFolder(self.folder)
        self.server.__enter__()

    def put(self, files: Files) -> None:
        write_files(self.folder / "code", files)

    def source(self) -> Source:
        return remote_source(self.server.address + "/code/")

    def missing(self) -> Source:
        return remote_source(self.server.address + "/nowhere/")

    def close(self) -> None:
        self.server.__exit__(None, None, None)


class ZipOrigin(HttpOrigin):
    """A zip file on a web server."""

    name = "code.zip"

    def put(self, files: Files) -> None:
        write_files(self.folder, {})
        with zipfile.ZipFile(self.folder / self.name, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        self._stamp(files)

    def _stamp(self, files: Files) -> None:
        # Last-Modified counts whole seconds, and two archives may be of one size.
        when = 1_000_000_000 + sum(len(name + text) for name, text in files.items())
        os.utime(self.folder / self.name, (when, when))

    def source(self) -> Source:
        return remote_source(f"{self.server.address}/{self.name}")

    def missing(self) -> Source:
        return remote_source(f"{self.server.address}/nowhere-{self.name}")


class TarOrigin(ZipOrigin):
    """A compressed tar file on a web server, of which one folder is wanted."""

    name = "code.tar.gz"

    def put(self, files: Files) -> None:
        write_files(self.folder / "staged", files)
        with tarfile.open(self.folder / self.name, "w:gz") as archive:
            archive.add(self.folder / "staged", "top/flows")
            archive.add(__file__, "top/other.py")
        self._stamp(files)

    def source(self) -> Source:
        return remote_source(f"tar://top/flows::{self.server.address}/{self.name}")


class S3Origin:
    """A bucket of an S3 server."""

    scheme = "s3"

    def __init__(self, folder: Path) -> None:
        self.settings = s3_settings()
        self.bucket = new_bucket()

    def put(self, files: Files) -> None:
        filesystem = fsspec.filesystem(self.scheme, **self.settings)
        if filesystem.exists(f"{self.bucket}/code"):
            filesystem.rm(f"{self.bucket}/code", recursive=True)
        for name, text in files.items():
            filesystem.pipe(f"{self.bucket}/code/{name}", text.encode())

    def source(self) -> Source:
        return remote_source(f"{self.scheme}://{self.bucket}/code", self.settings)

    def missing(self) -> Source:
        return remote_source(f"{self.scheme}://{self.bucket}-nowhere/code", self.settings)

    def close(self) -> None:
        """The server ends with the session."""


class GcsOrigin(S3Origin):
    """A bucket of an emulator of Google Cloud Storage."""

    scheme = "gs"

    def __init__(self, folder: Path) -> None:
        self.settings = gcs_settings()
        self.bucket = f"code-{uuid.uuid4().hex[:12]}"
        fsspec.filesystem("gs", **self.settings).mkdir(self.bucket)


class SftpOrigin:
    """A folder behind OpenSSH's server."""

    def __init__(self, folder: Path) -> None:
        require("paramiko")
        self.folder = folder / "sftp-code"
        self.server = SshServer(folder / "ssh")
        self.server.__enter__()

    def put(self, files: Files) -> None:
        write_files(self.folder, files)

    def source(self) -> Source:
        return remote_source(self._url(self.folder), {"key_filename": str(self.server.key)})

    def missing(self) -> Source:
        return remote_source(self._url(self.folder / "nowhere"), {"key_filename": str(self.server.key)})

    def close(self) -> None:
        self.server.__exit__(None, None, None)

    def _url(self, folder: Path) -> str:
        return f"sftp://{self.server.user}@127.0.0.1:{self.server.port}{folder}"


class SmbOrigin:
    """A folder behind Samba's server."""

    def __init__(self, folder: Path) -> None:
        require("smbprotocol")
        self.folder = folder / "share"
        self.server = SambaServer(folder / "samba", self.folder)
        self.server.__enter__()

    def put(self, files: Files) -> None:
        write_files(self.folder / "code", files)

    def source(self) -> Source:
        return remote_source(self._url("code"), self._login)

    def missing(self) -> Source:
        return remote_source(self._url("nowhere"), self._login)

    def close(self) -> None:
        self.server.__exit__(None, None, None)

    @property
    def _login(self) -> dict[str, str]:
        return {"username": self.server.user, "password": PASSWORD}

    def _url(self, folder: str) -> str:
        return f"smb://127.0.0.1:{self.server.port}/code/{folder}"


class AzureOrigin(S3Origin):
    """A container of Azure's emulator."""

    scheme = "az"

    def __init__(self, folder: Path) -> None:
        self.settings = azure_settings()
        self.bucket = f"code-{uuid.uuid4().hex[:12]}"
        fsspec.filesystem("az", **self.settings).mkdir(self.bucket)
