"""Collection of what sources keep to fetch faster: mirrors, copies, and what killed fetches left behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.collect import Policy, collect
from flowhand_storage.git.mirror import mirrors_in
from flowhand_storage.git.source import GitSource
from flowhand_storage.git.upkeep import borrowed, tidy
from flowhand_storage.locks import lock
from flowhand_storage.remote.source import remote_source
from support.git_repository import Repository
from support.served_folder import ServedFolder
from support.storage_files import read_files, write_files

DAY = 86400.0
POLICY = Policy(max_age=DAY, min_age=10)


@pytest.fixture
def store(tmp_path: Path) -> CheckoutStore:
    return CheckoutStore(tmp_path / "storage")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served")
    made.commit({"flow.py": "one"})
    return made


def mirrors(store: CheckoutStore) -> list[Path]:
    return [path for path in mirrors_in(store.cache).iterdir() if path.suffix == ".git"]


def test_a_mirror_stays_as_long_as_its_checkouts(store: CheckoutStore, repository: Repository) -> None:
    """git goes on working inside a checkout that is kept; with its last checkout an old mirror goes."""
    checkout = store.checkout(GitSource(str(repository.bare)))
    (mirror,) = mirrors(store)
    os.utime(mirror, (1e9, 1e9))
    collect(store, POLICY)
    assert repository.git(f"--git-dir={checkout.path / '.git'}", "log", "--format=%H") == repository.head
    checkout.release()
    assert collect(store, POLICY, now=time.time() + 2 * DAY).removed == [checkout.path, mirror]
    assert mirrors(store) == []


def test_a_mirror_used_lately_stays(store: CheckoutStore, repository: Repository) -> None:
    """The next commit will want it."""
    store.checkout(GitSource(str(repository.bare))).release()
    collect(store, Policy(max_age=DAY, min_age=0, max_size=0))
    assert len(mirrors(store)) == 1


def test_a_mirror_at_work_stays(store: CheckoutStore, repository: Repository) -> None:
    """One that a fetch holds is not taken away under it."""
    store.checkout(GitSource(str(repository.bare))).release()
    (mirror,) = mirrors(store)
    with lock(Path(f"{mirror}.lock"), shared=True, wait=0):
        collect(store, POLICY, now=time.time() + 2 * DAY)
    assert mirrors(store) == [mirror]


def test_a_copy_of_remote_files_goes(store: CheckoutStore, tmp_path: Path) -> None:
    """So does what was kept of a web server's files; the next fetch brings all of it again."""
    with ServedFolder(tmp_path / "www") as web:
        write_files(tmp_path / "www" / "code", {"flow.py": "1"})
        source = remote_source(web.address + "/code/")
        store.checkout(source).release()
        collect(store, POLICY, now=time.time() + 2 * DAY)
        assert [path for path in store.cache.rglob("*") if path.is_file()] == []
        with store.checkout(source) as checkout:
            assert read_files(checkout.path) == {"flow.py": "1"}


def test_what_killed_fetches_left_behind_goes(store: CheckoutStore) -> None:
    """Private files of a fetch, which may hold a key, do not outlive it for long."""
    left = mirrors_in(store.cache) / ".session-x"
    left.mkdir(parents=True)
    (left / "key").write_text("key")
    (mirrors_in(store.cache) / ".askpass-y").touch()
    collect(store, POLICY)
    assert left.exists()
    collect(store, POLICY, now=time.time() + 7300)
    assert list(mirrors_in(store.cache).iterdir()) == []


def test_many_packs_become_one(store: CheckoutStore, repository: Repository) -> None:
    """A mirror that was fetched into often is packed anew; commits whose checkouts are gone are forgotten, others keep working."""
    url = str(repository.bare)
    for number in range(6):
        repository.commit({"flow.py": str(number)})
        store.checkout(GitSource(url)).release()
    kept = store.checkout(GitSource(url))
    for folder, _, _ in list(store.checkouts.finished()):
        if folder != kept.path:
            os.utime(f"{folder}.json", (1e9, 1e9))
    collect(store, Policy(max_age=DAY, min_age=0))
    (mirror,) = mirrors(store)
    needed = borrowed([kept.path])
    assert needed == {mirror: {kept.revision}}
    assert tidy(mirror, needed[mirror], many=3)
    assert len(list(mirror.glob("objects/pack/*.pack"))) == 1
    assert [path.name for path in (mirror / "refs/flowhand").iterdir()] == [kept.revision]
    assert repository.git(f"--git-dir={kept.path / '.git'}", "fsck", "--connectivity-only") == ""
    repository.commit({"flow.py": "next"})
    with store.checkout(GitSource(url)) as checkout:
        assert read_files(checkout.path) == {"flow.py": "next"}
