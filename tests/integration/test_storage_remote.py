"""Remote files over real wires: what is fetched, what is refused, what is told."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.errors import AccessDenied, FetchFailed, InvalidSource, MissingTool, SourceNotFound, SourceUnavailable, StorageError
from flowhand_storage.ignore import IgnoreRules
from flowhand_storage.local import LocalSource
from flowhand_storage.remote.source import RemoteSource, remote_source
from flowhand_storage.transfer import download_tree, upload_tree
from support.served_folder import ServedFolder
from support.ssh_server import SshServer
from support.storage_files import read_files, write_files
from support.storage_requires import require
from support.storage_s3 import SECRET, new_bucket, s3_settings

# Put together here, so that a traceback, which quotes the lines it passes through, holds them only when an error does.
WRONG = "".join(["wr0ng", "pass"])
SIGNATURE = "".join(["abcdef", "0123456789"])


@pytest.fixture
def store(tmp_path: Path) -> CheckoutStore:
    return CheckoutStore(tmp_path / "storage")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[ServedFolder]:
    with ServedFolder(tmp_path / "www") as serving:
        yield serving


def test_only_what_changed_is_fetched(web: ServedFolder, store: CheckoutStore, tmp_path: Path) -> None:
    """Of a large tree in which one file changed, one file is fetched."""
    files = {f"part{number}/module.py": str(number) for number in range(20)}
    write_files(tmp_path / "www" / "code", files)
    source = remote_source(web.address + "/code/")
    store.checkout(source).release()
    stamps = {path: path.stat().st_mtime for path in (tmp_path / "www").rglob("*.py")}
    write_files(tmp_path / "www" / "code", files | {"part7/module.py": "changed"})
    for path, stamp in stamps.items():
        if "part7" not in path.parts:
            os.utime(path, (stamp, stamp))
    web.seen.clear()
    with store.checkout(source) as checkout:
        assert read_files(checkout.path) == files | {"part7/module.py": "changed"}
    assert [line for line in web.seen if line.startswith("GET") and line.endswith(".py")] == ["GET /code/part7/module.py"]


def test_nothing_is_fetched_twice(web: ServedFolder, store: CheckoutStore, tmp_path: Path) -> None:
    """A second run of an unchanged tree lists it and fetches nothing."""
    write_files(tmp_path / "www" / "code", {"flow.py": "1"})
    for _ in range(2):
        store.checkout(remote_source(web.address + "/code/")).release()
    assert web.seen.count("GET /code/flow.py") == 1


def test_a_file_where_a_folder_was(web: ServedFolder, store: CheckoutStore, tmp_path: Path) -> None:
    """The kept copy follows when names change their kind."""
    source = remote_source(web.address + "/code/")
    for files in ({"a/b": "1"}, {"a": "22"}, {"a/b": "333"}):
        write_files(tmp_path / "www" / "code", files)
        with store.checkout(source) as checkout:
            assert read_files(checkout.path) == files


def test_a_fetch_that_broke_off_goes_on(web: ServedFolder, store: CheckoutStore, tmp_path: Path) -> None:
    """What a killed fetch left behind counts only where it is whole."""
    write_files(tmp_path / "www" / "code", {"flow.py": "whole"})
    source = remote_source(web.address + "/code/")
    assert isinstance(source, RemoteSource)
    store.checkout(source).release()
    copies = store.cache / "remote"
    copied = next(path for path in copies.rglob("flow.py"))
    copied.unlink()
    store.checkouts.root.rename(tmp_path / "away")
    with store.checkout(source) as checkout:
        assert read_files(checkout.path) == {"flow.py": "whole"}


def test_names_with_spaces_and_letters(web: ServedFolder, store: CheckoutStore, tmp_path: Path) -> None:
    """What a web server percent-encodes in its listing is decoded again."""
    files = {"sub folder/ä b.py": "1", "100%.txt": "2"}
    write_files(tmp_path / "www" / "code", files)
    with store.checkout(remote_source(web.address + "/code/")) as checkout:
        assert read_files(checkout.path) == files


def test_one_file(web: ServedFolder, store: CheckoutStore, tmp_path: Path) -> None:
    """The address of a single file gives a folder with that file."""
    write_files(tmp_path / "www", {"flow.py": "alone"})
    with store.checkout(remote_source(web.address + "/flow.py")) as checkout:
        assert read_files(checkout.path) == {"flow.py": "alone"}


def test_a_password_in_the_address(web: ServedFolder, store: CheckoutStore, tmp_path: Path) -> None:
    """It opens the door, and no error quotes it."""
    write_files(tmp_path / "www", {"flow.py": "1"})
    web.wanted = "Basic YWRhOnMzY3JldEA="
    address = web.address.replace("://", "://ada:{}@") + "/flow.py"
    with store.checkout(remote_source(address.format("s3cret%40"))) as checkout:
        assert read_files(checkout.path) == {"flow.py": "1"}
    with pytest.raises(StorageError) as caught:
        store.checkout(remote_source(address.format(WRONG)))
    assert WRONG not in "".join(traceback.format_exception(caught.value))


def test_a_signed_address_is_not_quoted(web: ServedFolder, store: CheckoutStore) -> None:
    """The signature of a pre-signed address stays out of the error, whatever the library says."""
    with pytest.raises(SourceNotFound) as caught:
        store.checkout(remote_source(f"{web.address}/nowhere.zip?X-Amz-Signature={SIGNATURE}&x=1"))
    assert SIGNATURE not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_is_not_there(store: CheckoutStore) -> None:
    """Nobody at the address: worth another try, and told so."""
    require("aiohttp", "paramiko")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/code.zip", f"sftp://ada@127.0.0.1:{port}/code"):
        with pytest.raises(SourceUnavailable, match=str(port)):
            store.checkout(remote_source(url))


def test_sftp_refuses_without_quoting(tmp_path: Path, store: CheckoutStore) -> None:
    """A wrong password is AccessDenied."""
    require("paramiko")
    settings = {"look_for_keys": False, "allow_agent": False}
    with SshServer(tmp_path / "ssh") as server, pytest.raises(AccessDenied) as caught:
        store.checkout(remote_source(f"sftp://ada:{WRONG}@127.0.0.1:{server.port}/code", settings))
    assert WRONG not in "".join(traceback.format_exception(caught.value))


def test_a_folder_that_cannot_be_listed(web: ServedFolder, store: CheckoutStore, tmp_path: Path) -> None:
    """A tree of which a part does not answer is an error, never a smaller tree."""
    write_files(tmp_path / "www" / "code", {"flow.py": "1", "part/module.py": "2"})
    web.missing = "/code/part"
    with pytest.raises(StorageError):
        store.checkout(remote_source(web.address + "/code/"))


def test_a_bucket_that_is_not_there(store: CheckoutStore) -> None:
    """The error names the bucket and keeps the keys to itself."""
    with pytest.raises(SourceNotFound, match="no-such-bucket") as caught:
        store.checkout(remote_source("s3://no-such-bucket/code", s3_settings()))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_hostile_keys_in_a_bucket(store: CheckoutStore) -> None:
    """An object whose name leads out of the folder is refused, by name."""
    bucket = new_bucket()
    filesystem = fsspec.filesystem("s3", **s3_settings())
    filesystem.pipe(f"{bucket}/code/../../escape.py", b"x")
    with pytest.raises(StorageError, match="escape"):
        store.checkout(remote_source(f"s3://{bucket}/code/..", s3_settings()))


@pytest.mark.parametrize("url", ["nonsense://x/y", "no address", "s3:/bucket", "http://[bad/x", "sftp://h\n/x", ""])
def test_addresses_that_cannot_work(url: str, store: CheckoutStore) -> None:
    """Refused before anything is asked."""
    with pytest.raises(InvalidSource):
        store.checkout(remote_source(url))


def test_a_missing_package_is_named(store: CheckoutStore) -> None:
    """A back end whose package is not installed says how to install it."""
    with pytest.raises(MissingTool, match="dropbox"):
        store.checkout(remote_source("dropbox://folder/code"))


def test_a_folder_of_this_machine_needs_no_fsspec(tmp_path: Path) -> None:
    """file:// is a local source."""
    assert isinstance(remote_source(f"file://{tmp_path}"), LocalSource)


def test_options_that_do_not_fit(store: CheckoutStore) -> None:
    """A setting that the file system does not know is one line, not a traceback of the library."""
    require("paramiko")
    with pytest.raises(FetchFailed, match="no_such_option"):
        store.checkout(remote_source("sftp://127.0.0.1/x", {"no_such_option": 1}))


# --- up and down --------------------------------------------------------------------------------------------------------------------


def test_upload_with_progress(tmp_path: Path) -> None:
    """Kept files go up one by one, each told; ignored ones stay."""
    write_files(tmp_path / "code", {"flow.py": "1", "deep/er/part.py": "2", "skip.log": "3"})
    url, told = f"s3://{new_bucket()}/flows", list[tuple[int, int, str]]()
    rules = IgnoreRules("*.log\n")
    count = upload_tree(tmp_path / "code", url, s3_settings(), rules=rules, progress=lambda *seen: told.append(seen))
    assert (count, told) == (2, [(1, 2, "deep/er/part.py"), (2, 2, "flow.py")])
    assert download_tree(url, tmp_path / "back", s3_settings()) == 2
    assert read_files(tmp_path / "back") == {"flow.py": "1", "deep/er/part.py": "2"}


def test_upload_over_sftp(tmp_path: Path) -> None:
    """Folders that are not there yet are made."""
    require("paramiko")
    write_files(tmp_path / "code", {"deep/er/part.py": "2"})
    with SshServer(tmp_path / "ssh") as server:
        url = f"sftp://{server.user}@127.0.0.1:{server.port}{tmp_path}/there"
        settings = {"key_filename": str(server.key)}
        upload_tree(tmp_path / "code", url, settings)
        upload_tree(tmp_path / "code", url, settings)
        told: list[str] = []
        assert download_tree(url, tmp_path / "back", settings, progress=lambda done, total, name: told.append(name)) == 1
    assert read_files(tmp_path / "there") == read_files(tmp_path / "back") == {"deep/er/part.py": "2"}
    assert told == ["deep/er/part.py"]


def test_upload_of_nothing(tmp_path: Path) -> None:
    """A folder that is not there is told."""
    with pytest.raises(SourceNotFound, match="nowhere"):
        upload_tree(tmp_path / "nowhere", "memory://up")
