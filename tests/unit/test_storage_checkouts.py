"""Checkouts, their leases and their collection, with sources that are folders."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowhand_storage.checkouts import Checkout, CheckoutStore, default_root
from flowhand_storage.collect import Policy, collect
from flowhand_storage.errors import FetchFailed, LockTimeout
from flowhand_storage.folders import FolderStore
from flowhand_storage.leases import hold
from flowhand_storage.local import LocalSource
from flowhand_storage.locks import lock, try_lock
from support.storage_files import read_files, write_files

OLD = Policy(max_age=100.0, min_age=10.0)


@pytest.fixture
def store(tmp_path: Path) -> CheckoutStore:
    return CheckoutStore(tmp_path / "storage")


def checkout_of(store: CheckoutStore, folder: Path, text: str = "code") -> Checkout:
    write_files(folder, {"flow.py": text})
    return store.checkout(LocalSource(folder))


def test_collects_by_age(store: CheckoutStore, tmp_path: Path) -> None:
    """What nobody used for longer than the policy's age goes, with its record and its lock."""
    checkout = checkout_of(store, tmp_path / "code")
    checkout.release()
    assert collect(store, OLD, now=time.time() + 99).removed == []
    done = collect(store, OLD, now=time.time() + 101)
    assert done.removed == [checkout.path]
    assert done.size == 4
    assert list(store.checkouts.root.iterdir()) == []


def test_never_collects_what_is_leased(store: CheckoutStore, tmp_path: Path) -> None:
    """A held checkout stays, however old it is and however little room there is."""
    with checkout_of(store, tmp_path / "code") as checkout:
        assert collect(store, Policy(max_age=0, min_age=0, max_size=0), now=time.time() + 9).removed == []
        assert (checkout.path / "flow.py").exists()


HOLDER = """
import sys
from pathlib import Path
from flowhand_storage.leases import hold
kept = hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lease_of_another_process_counts(store: CheckoutStore, tmp_path: Path) -> None:
    """A process that holds a checkout by its path keeps it; its death by SIGKILL frees it."""
    checkout = checkout_of(store, tmp_path / "code")
    command = [sys.executable, "-c", HOLDER, checkout.path / "flow.py"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        checkout.release()
        assert collect(store, OLD, now=time.time() + 101).removed == []
        holder.kill()
        holder.wait()
        assert collect(store, OLD, now=time.time() + 101).removed == [checkout.path]


def test_a_forked_child_shares_the_lease(store: CheckoutStore, tmp_path: Path) -> None:
    """The lease of a process that is gone lives on in a child that it forked."""
    checkout = checkout_of(store, tmp_path / "code")
    go_read, go_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go_write)
        os.read(go_read, 1)
        os._exit(0)
    checkout.release()
    assert collect(store, OLD, now=time.time() + 101).removed == []
    os.close(go_write)
    os.waitpid(child, 0)
    os.close(go_read)
    assert collect(store, OLD, now=time.time() + 101).removed == [checkout.path]


def test_collects_the_least_recently_used_by_size(store: CheckoutStore, tmp_path: Path) -> None:
    """Over the size, the one used longest ago goes first, and no more than needed."""
    paths: list[Path] = []
    for age in (50, 30, 20):
        checkout = checkout_of(store, tmp_path / f"code{age}", "x" * 100)
        checkout.release()
        os.utime(str(checkout.path) + ".json", (time.time() - age, time.time() - age))
        paths.append(checkout.path)
    assert collect(store, Policy(max_age=1000, min_age=10, max_size=200)).removed == paths[:1]


def test_what_was_just_used_stays(store: CheckoutStore, tmp_path: Path) -> None:
    """Between one process telling a path and the next one holding it lies a time in which nothing is collected."""
    checkout_of(store, tmp_path / "code").release()
    assert collect(store, Policy(max_age=0, min_age=60, max_size=0)).removed == []


def test_half_built_folders_are_collected(store: CheckoutStore) -> None:
    """A folder whose builder was killed has no record; it goes when its lock is free and old."""
    folders = store.checkouts
    folders.root.mkdir(parents=True)
    (folders.root / "half").mkdir()
    with lock(folders.root / "half.lock", wait=0):
        assert collect(store, OLD, now=time.time() + 101).removed == []
    assert collect(store, OLD, now=time.time() + 5).removed == []
    assert collect(store, OLD, now=time.time() + 101).removed == [folders.root / "half"]


def test_a_killed_build_is_done_again(tmp_path: Path) -> None:
    """A folder that is there without a record is emptied and built."""
    folders = FolderStore(tmp_path)
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "half").write_text("")
    with folders.lease("key", "a test", lambda folder: (folder / "whole").touch()) as lease:
        assert list(read_files(lease.path)) == ["whole"]


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    """An error of the builder comes out as it is, and the next one starts from nothing."""

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise FetchFailed("no")

    folders = FolderStore(tmp_path)
    with pytest.raises(FetchFailed):
        folders.lease("key", "a test", fail)
    assert not (tmp_path / "key").exists()
    folders.lease("key", "a test", lambda folder: None).release()


def test_an_unreadable_record_means_built_again(tmp_path: Path) -> None:
    """A record cut short by a full disk is no reason to stop."""
    folders = FolderStore(tmp_path)
    folders.lease("key", "a test", lambda folder: (folder / "first").touch()).release()
    (tmp_path / "key.json").write_text('{"about"')
    with folders.lease("key", "a test", lambda folder: (folder / "second").touch()) as lease:
        assert list(read_files(lease.path)) == ["second"]


def test_bytecode_does_not_count_as_written(store: CheckoutStore, tmp_path: Path) -> None:
    """Python's own caches are kept with the checkout, so that the second run need not compile."""
    with checkout_of(store, tmp_path / "code") as checkout:
        (checkout.path / "__pycache__").mkdir()
        (checkout.path / "__pycache__" / "flow.pyc").write_bytes(b"")
        with store.checkout(LocalSource(tmp_path / "code")) as again:
            assert again.path == checkout.path


def test_spare_folders_go_once_unused(store: CheckoutStore, tmp_path: Path) -> None:
    """The folder that was built beside a written one is collected without waiting for its age."""
    with checkout_of(store, tmp_path / "code") as first:
        (first.path / "more").touch()
        spare = store.checkout(LocalSource(tmp_path / "code"))
        assert spare.path.name == first.path.name + ".1"
        spare.release()
        assert collect(store, OLD, now=time.time() + 11).removed == [spare.path]


def test_hold_finds_nothing_elsewhere(tmp_path: Path) -> None:
    """A path that is in no checkout has no lease, also beside files that look alike."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project.json").write_text("{}")
    assert hold(tmp_path / "project") is None
    assert hold(Path("/")) is None


def test_hold_of_a_collected_checkout(store: CheckoutStore, tmp_path: Path) -> None:
    """Whoever comes too late is told so, and fetches again."""
    checkout = checkout_of(store, tmp_path / "code")
    checkout.release()
    collect(store, OLD, now=time.time() + 101)
    assert hold(checkout.path) is None


def test_lock_waits_no_longer_than_told(tmp_path: Path) -> None:
    """A lock held elsewhere is an error that names the file, after the wait."""
    with lock(tmp_path / "a.lock", wait=0), pytest.raises(LockTimeout, match=r"a\.lock"):
        lock(tmp_path / "a.lock", wait=0.01)


def test_shared_locks_go_together(tmp_path: Path) -> None:
    """Any number may share; none may have it alone meanwhile."""
    with lock(tmp_path / "a.lock", shared=True, wait=0), lock(tmp_path / "a.lock", shared=True, wait=0):
        assert try_lock(tmp_path / "a.lock") is None
    with lock(tmp_path / "a.lock", wait=0):
        assert try_lock(tmp_path / "a.lock", shared=True) is None


def test_a_discarded_lock_is_not_mistaken_for_the_new_one(tmp_path: Path) -> None:
    """Who waited for a lock whose file was removed locks the file that stands there now."""
    held = lock(tmp_path / "a.lock", wait=0)
    held.discard()
    with lock(tmp_path / "a.lock", wait=0):
        assert try_lock(tmp_path / "a.lock") is None


def test_the_default_root_follows_the_home(tmp_path: Path) -> None:
    """Checkouts live below FLOWHAND_HOME."""
    assert default_root({"FLOWHAND_HOME": str(tmp_path)}) == tmp_path / "storage"
    assert default_root({}) == Path.home() / ".flowhand" / "storage"


def test_a_folder_that_changes_while_copied_is_no_checkout(store: CheckoutStore, tmp_path: Path) -> None:
    """A checkout never bears the name of a state that it does not hold."""
    write_files(tmp_path / "code", {"flow.py": "one"})
    source = LocalSource(tmp_path / "code")
    revision = source.revision(store.cache)
    write_files(tmp_path / "code", {"flow.py": "two"})
    with pytest.raises(FetchFailed, match="changed"):
        store.checkout(source, revision)


def test_ignored_files_are_not_copied(store: CheckoutStore, tmp_path: Path) -> None:
    """A local source leaves out what its ignore file names, folders whole."""
    write_files(
        tmp_path / "code", {".flowhandignore": "data/\n*.log\n!keep.log\n", "data/big": "x", "a.log": "x", "keep.log": "x", "flow.py": ""}
    )
    with store.checkout(LocalSource(tmp_path / "code")) as checkout:
        assert list(read_files(checkout.path)) == [".flowhandignore", "flow.py", "keep.log"]
