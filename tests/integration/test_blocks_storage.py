"""Storage blocks: folders and files put, got, read and written, on this machine, in object stores and from git."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from flowhand.blocks.storage import CodeBlock, StorageBlock
from flowhand.filesystems import (
    GCS,
    S3,
    Azure,
    AzureBlobStorageContainer,
    BitBucket,
    GitHub,
    GitHubRepository,
    GitLab,
    LocalFileSystem,
    RemoteFileSystem,
    S3Bucket,
)
from flowhand_storage.errors import AccessDenied, InvalidSource, SourceNotFound, StorageError, UnsafePath
from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.storage_azure import azure_settings
from support.storage_files import read_files, write_files
from support.storage_gcs import gcs_settings
from support.storage_s3 import new_bucket, s3_settings

CODE = {"flows.py": "x = 1\n", "parts/deep/names.py": "NAME = 1\n"}
TOKEN = "".join(["t0ken", "-of-the-repository"])


def _s3(place: str) -> StorageBlock:
    key = {"aws_access_key_id": (settings := s3_settings())["key"], "aws_secret_access_key": settings["secret"]}
    return S3.model_validate({"bucket_path": f"{new_bucket()}/{place}", "endpoint_url": settings["endpoint_url"], **key})


def _s3_bucket(place: str) -> StorageBlock:
    key = {"aws_access_key_id": (settings := s3_settings())["key"], "aws_secret_access_key": settings["secret"]}
    credentials = {**key, "aws_client_parameters": {"endpoint_url": settings["endpoint_url"]}}
    return S3Bucket.model_validate({"bucket_name": new_bucket(), "bucket_folder": place, "credentials": credentials})


def _gcs(place: str) -> StorageBlock:
    bucket = f"code-{uuid.uuid4().hex[:12]}"
    fsspec.filesystem("gs", **gcs_settings()).mkdir(bucket)
    return GCS.model_validate({"bucket_path": f"{bucket}/{place}", "service_account_info": "anon", "project": "tests"})


def _azure(place: str) -> StorageBlock:
    container = _azure_container()
    fields = {"bucket_path": place, "azure_storage_container": container}
    return Azure.model_validate(fields | {"azure_storage_connection_string": azure_settings()["connection_string"]})


def _azure_blob_container(place: str) -> StorageBlock:
    return AzureBlobStorageContainer.model_validate(
        {"container_name": _azure_container(), "base_folder": place, "credentials": azure_settings()}
    )


def _azure_container() -> str:
    name = f"code-{uuid.uuid4().hex[:12]}"
    fsspec.filesystem("az", **azure_settings()).mkdir(name)
    return name


PLACES: dict[str, Callable[[str], StorageBlock]] = {
    "memory": lambda place: RemoteFileSystem(basepath=f"memory://{place}", settings={}),
    "s3": _s3,
    "s3-bucket": _s3_bucket,
    "gcs": _gcs,
    "azure": _azure,
    "azure-container": _azure_blob_container,
}


@pytest.fixture(params=["local", *PLACES])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StorageBlock:
    """An empty place to store things in."""
    if request.param == "gcs":  # Google's own libraries find an emulator by this name alone
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_settings()["endpoint_url"])
    if request.param == "local":
        return LocalFileSystem(basepath=str(tmp_path / "store"))
    return PLACES[request.param](f"{tmp_path.name}/store")


def test_a_folder_goes_there_and_back(store: StorageBlock, tmp_path: Path) -> None:
    """Less what its ignore file names; the number of files is told; a part of it can be got alone."""
    write_files(tmp_path / "code", {**CODE, "junk.pyc": "", ".prefectignore": "*.pyc\n"})
    assert store.put_directory(str(tmp_path / "code"), "project") == 3
    store.get_directory("project", str(tmp_path / "got"))
    assert read_files(tmp_path / "got") == {**CODE, ".prefectignore": "*.pyc\n"}
    store.get_directory("project/parts", str(tmp_path / "part"))
    assert read_files(tmp_path / "part") == {"deep/names.py": "NAME = 1\n"}


def test_an_ignore_file_of_ones_own(store: StorageBlock, tmp_path: Path) -> None:
    """It counts in place of the folder's; one that is not there is told."""
    write_files(tmp_path / "code", CODE)
    (tmp_path / "rules").write_text("parts/\n")
    assert store.put_directory(str(tmp_path / "code"), ignore_file=str(tmp_path / "rules")) == 1
    with pytest.raises(InvalidSource, match="no-such-rules"):
        store.put_directory(str(tmp_path / "code"), ignore_file=str(tmp_path / "no-such-rules"))


def test_files_are_written_and_read(store: StorageBlock) -> None:
    """In folders that are made on the way; written again, the new content counts; by the path that `write_path` answers as well."""
    place = store.write_path("a/b.bin", b"\x00one")
    store.write_path("a/b.bin", b"\x00two")
    assert store.read_path("a/b.bin") == store.read_path(place) == b"\x00two"
    with pytest.raises(SourceNotFound, match="nothing"):
        store.read_path("a/nothing")


@pytest.mark.parametrize("path", ["../out", "a/../../out", "/etc/passwd"])
def test_nothing_outside_is_touched(store: StorageBlock, path: str, tmp_path: Path) -> None:
    """A path that leads out of the block's place is refused by every method, before anything is done."""
    write_files(tmp_path / "code", CODE)
    attempts: list[Any] = [
        lambda: store.read_path(path),
        lambda: store.write_path(path, b""),
        lambda: store.get_directory(path, str(tmp_path / "got")),
        lambda: store.put_directory(str(tmp_path / "code"), path),
    ]
    for attempt in attempts:
        with pytest.raises(UnsafePath):
            attempt()


def test_async_code_awaits(store: StorageBlock, tmp_path: Path) -> None:
    """The same methods, awaited."""
    write_files(tmp_path / "code", CODE)

    async def use() -> bytes:
        assert await store.put_directory(str(tmp_path / "code")) == 2  # pyright: ignore[reportGeneralTypeIssues]
        await store.write_path("more", b"content")  # pyright: ignore[reportGeneralTypeIssues]
        await store.get_directory(local_path=str(tmp_path / "got"))  # pyright: ignore[reportGeneralTypeIssues]
        return await store.read_path("more")  # pyright: ignore[reportGeneralTypeIssues]

    assert asyncio.run(use()) == b"content"
    assert read_files(tmp_path / "got") == {**CODE, "more": "content"}


def test_places_that_cannot_be() -> None:
    """A folder of this machine is no remote file system, a path is no URL, and an address below another is no path."""
    with pytest.raises(UnsafePath):
        RemoteFileSystem(basepath="memory://here").read_path("memory://there/x")
    with pytest.raises(ValueError, match="use LocalFileSystem"):
        RemoteFileSystem(basepath="file:///srv")
    with pytest.raises(ValueError, match="is no URL"):
        RemoteFileSystem(basepath="/srv")


# --- git -------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHttpServer]:
    """A repository that wants a token, with a branch beside its main one."""
    monkeypatch.setenv("FLOWHAND_HOME", str(tmp_path / "home"))
    repository = Repository(tmp_path / "served")
    repository.commit(CODE)
    repository.commit({"flows.py": "x = 2\n"}, branch="next")
    repository.git("checkout", "-q", "main")
    with GitHttpServer(repository.bare.parent, ("x-access-token", TOKEN)) as serving:
        yield serving


def _repositories(url: str, token: str) -> list[CodeBlock]:
    return [
        GitHub.model_validate({"repository": url, "access_token": token}),
        GitLab.model_validate({"repository": url, "credentials": {"token": token}}),
        BitBucket.model_validate({"repository": url, "bitbucket_credentials": {"username": "x-access-token", "password": token}}),
        GitHubRepository.model_validate({"repository_url": url, "credentials": {"token": token}}),
    ]


def test_repositories_give_out_their_code(git: GitHttpServer, tmp_path: Path) -> None:
    """Whole or in part, from their default branch or another."""
    for number, block in enumerate(_repositories(git.url(), TOKEN)):
        block.get_directory(local_path=str(tmp_path / f"whole{number}"))
        assert read_files(tmp_path / f"whole{number}") == CODE
        block.get_directory("parts", str(tmp_path / f"part{number}"))
        assert read_files(tmp_path / f"part{number}") == {"deep/names.py": "NAME = 1\n"}
    GitHub.model_validate({"repository": git.url(), "access_token": TOKEN, "reference": "next"}).get_directory(
        local_path=str(tmp_path / "next")
    )
    assert (tmp_path / "next" / "flows.py").read_text() == "x = 2\n"


def test_repositories_keep_their_secrets(git: GitHttpServer, tmp_path: Path) -> None:
    """A wrong token is told without it, and a path upward is refused."""
    wrong = "".join(["wr0ng", "-token"])
    for block in _repositories(git.url(), wrong):
        with pytest.raises(AccessDenied) as caught:
            block.get_directory(local_path=str(tmp_path / "got"))
        assert wrong not in str(caught.value) + repr(block)
    with pytest.raises(StorageError):
        _repositories(git.url(), TOKEN)[0].get_directory("../..", str(tmp_path / "got"))
