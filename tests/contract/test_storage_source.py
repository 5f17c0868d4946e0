"""What every kind of source must do, through the store that uses it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.errors import SourceNotFound
from support.storage_files import read_files
from support.storage_kinds import BlockOrigin, GitHttpOrigin, GitOrigin, LocalOrigin, Origin
from support.storage_remote_kinds import (
    AzureOrigin,
    GcsOrigin,
    HttpOrigin,
    MemoryOrigin,
    S3Origin,
    SftpOrigin,
    SmbOrigin,
    TarOrigin,
    ZipOrigin,
)

KINDS = {
    "local": LocalOrigin,
    "block": BlockOrigin,
    "git": GitOrigin,
    "git-http": GitHttpOrigin,
    "memory": MemoryOrigin,
    "http": HttpOrigin,
    "zip": ZipOrigin,
    "tar": TarOrigin,
    "s3": S3Origin,
    "gcs": GcsOrigin,
    "sftp": SftpOrigin,
    "smb": SmbOrigin,
    "azure": AzureOrigin,
}
FIRST = {"flow.py": "one", "package/__init__.py": "", "package/part.py": "part", "data/deep/er/file.txt": "text"}
SECOND = {"flow.py": "two!", "package/__init__.py": "", "new.py": "new"}


@pytest.fixture(params=KINDS)
def origin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Origin]:
    made: Origin = KINDS[request.param](tmp_path)
    made.put(FIRST)
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> CheckoutStore:
    return CheckoutStore(tmp_path / "storage")


def test_fetches_every_file(origin: Origin, store: CheckoutStore) -> None:
    """A checkout holds what the origin holds, also in folders, also empty files."""
    with store.checkout(origin.source()) as checkout:
        assert read_files(checkout.path) == FIRST


def test_the_same_state_is_the_same_folder(origin: Origin, store: CheckoutStore) -> None:
    """Two sources of one origin name one revision and share one checkout."""
    with store.checkout(origin.source()) as first, store.checkout(origin.source()) as second:
        assert (first.revision, first.path) == (second.revision, second.path)


def test_a_change_is_a_new_revision(origin: Origin, store: CheckoutStore) -> None:
    """What changed at the origin shows in a new folder, files that are gone are gone, and the old folder stays as it was."""
    with store.checkout(origin.source()) as old:
        origin.put(SECOND)
        with store.checkout(origin.source()) as new:
            assert new.revision != old.revision
            assert read_files(new.path) == SECOND
        assert read_files(old.path) == FIRST


def test_one_source_sees_a_change_too(origin: Origin, store: CheckoutStore) -> None:
    """A source that is kept and asked again does not answer from memory."""
    source = origin.source()
    with store.checkout(source) as old:
        origin.put(SECOND)
        with store.checkout(source) as new:
            assert (read_files(old.path), read_files(new.path)) == (FIRST, SECOND)


def test_a_written_checkout_is_not_handed_out_again(origin: Origin, store: CheckoutStore) -> None:
    """A run that writes into its checkout keeps it; the next run gets the files as they were fetched."""
    with store.checkout(origin.source()) as first:
        (first.path / "flow.py").write_text("scribbled")
        with store.checkout(origin.source()) as second:
            assert second.path != first.path
            assert read_files(second.path) == FIRST
        assert (first.path / "flow.py").read_text() == "scribbled"


def test_an_unused_written_checkout_is_built_again(origin: Origin, store: CheckoutStore) -> None:
    """Where nobody holds the written one, its place is used again."""
    with store.checkout(origin.source()) as first:
        (first.path / "added.txt").write_text("scribbled")
    with store.checkout(origin.source()) as second:
        assert second.path == first.path
        assert read_files(second.path) == FIRST


def test_missing_is_told(origin: Origin, store: CheckoutStore) -> None:
    """A source whose origin is not there says so, and leaves no checkout."""
    with pytest.raises(SourceNotFound):
        store.checkout(origin.missing())
    assert list(store.checkouts.finished()) == []


def test_many_at_once_fetch_once(origin: Origin, store: CheckoutStore) -> None:
    """Eight callers at one moment get one and the same finished folder."""
    together = threading.Barrier(8)

    def one() -> tuple[Path, dict[str, str]]:
        together.wait()
        with store.checkout(origin.source()) as checkout:
            return checkout.path, read_files(checkout.path)

    with ThreadPoolExecutor(8) as pool:
        answers = [job.result() for job in [pool.submit(one) for _ in range(8)]]
    assert {path for path, _ in answers} == {answers[0][0]}
    assert all(files == FIRST for _, files in answers)


def test_an_emptied_cache_is_no_harm(origin: Origin, store: CheckoutStore) -> None:
    """What a source caches may vanish between two fetches."""
    import shutil

    source = origin.source()
    store.checkout(source).release()
    shutil.rmtree(store.cache)
    origin.put(SECOND)
    with store.checkout(source) as checkout:
        assert read_files(checkout.path) == SECOND
