"""Sparse folders of a repository over HTTP: what is fetched for them, and that the mirrors of one address get along."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowhand_storage.checkouts import Checkout, CheckoutStore
from flowhand_storage.collect import Policy, collect
from flowhand_storage.errors import RevisionNotFound
from flowhand_storage.git.mirror import mirrors_in
from flowhand_storage.git.partial import files_below
from flowhand_storage.git.source import GitSource
from flowhand_storage.git.upkeep import borrowed, tidy
from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.storage_files import read_files

FILES = {"top.txt": "t", "flows/a.py": "a", "flows/deep/b.py": "b", "flows/deep/er/c.py": "c", "lib/big.bin": "x" * 200_000}
SPARSE = {name: FILES[name] for name in ("top.txt", "flows/a.py", "flows/deep/b.py", "flows/deep/er/c.py")}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served")
    made.git("config", "uploadpack.allowFilter", "true")
    made.commit(FILES)
    return made


@pytest.fixture
def server(repository: Repository) -> Iterator[GitHttpServer]:
    with GitHttpServer(repository.bare.parent, ("x-access-token", "token-1234")) as serving:
        yield serving


@pytest.fixture
def store(tmp_path: Path) -> CheckoutStore:
    return CheckoutStore(tmp_path / "storage")


def sparse(server: GitHttpServer, **options: object) -> GitSource:
    return GitSource(server.url(), directories=["flows/deep"], credentials="token-1234", **options)  # pyright: ignore[reportArgumentType] - each test its own


def mirrors(store: CheckoutStore) -> list[Path]:
    return sorted(path for path in mirrors_in(store.cache).iterdir() if path.suffix == ".git")


def has(repository: Repository, mirror: Path, path: str) -> bool:
    """Whether the mirror holds the content of a file of the repository's last commit."""
    listed = repository.git(f"--git-dir={mirror}", "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return repository.git("rev-parse", f"HEAD:{path}") in listed.split()


def written_to(checkout: Checkout) -> None:
    """Spoil a checkout while it is held: whoever wants its commit next gets another one, laid out from the mirror."""
    (checkout.path / "written.txt").touch()


def test_files_outside_of_the_folders_are_not_fetched(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """Of a server that gives out parts only the folders' files are fetched, in one request; and git works in the checkout."""
    with store.checkout(sparse(server)) as checkout:
        assert read_files(checkout.path) == SPARSE
        assert repository.git(f"--git-dir={checkout.path / '.git'}", f"--work-tree={checkout.path}", "status", "--porcelain") == ""
    (mirror,) = mirrors(store)
    assert has(repository, mirror, "flows/deep/b.py")
    assert not has(repository, mirror, "lib/big.bin")
    uploads = [line for line, _ in server.seen if line.startswith("POST")]
    assert len(uploads) <= 6, uploads


def test_a_second_run_needs_no_network(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """Neither for the checkout that is there, nor for another one of the same commit: every file wanted is in the mirror."""
    with store.checkout(sparse(server, commit=repository.head)) as first:
        server.broken = True
        written_to(first)
        with store.checkout(sparse(server, commit=repository.head)) as second:
            assert second.path != first.path
            assert read_files(second.path) == SPARSE


def test_sparse_and_whole_checkouts_of_one_address(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """The whole commit is whole after a part of it was fetched; and where all of it is, its parts need no network."""
    store.checkout(sparse(server)).release()
    whole = GitSource(server.url(), commit=repository.head, credentials="token-1234")
    with store.checkout(whole) as checkout:
        assert read_files(checkout.path) == FILES
    server.broken = True
    other = GitSource(server.url(), commit=repository.head, directories=["lib"], credentials="token-1234")
    with store.checkout(other) as checkout:
        assert read_files(checkout.path) == {name: FILES[name] for name in ("top.txt", "lib/big.bin")}


def test_the_next_commit_brings_what_changed(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """A branch that moved gives the new files through the same mirror."""
    store.checkout(sparse(server, ref="main")).release()
    repository.commit(FILES | {"flows/deep/b.py": "two"})
    with store.checkout(sparse(server, ref="main")) as checkout:
        assert read_files(checkout.path) == SPARSE | {"flows/deep/b.py": "two"}
    assert len(mirrors(store)) == 1


@pytest.mark.parametrize("setting", ["allowFilter", "protocol 0"])
def test_a_server_that_gives_out_no_parts(server: GitHttpServer, repository: Repository, store: CheckoutStore, setting: str) -> None:
    """One that knows no filter, and one that gives out nothing by its id but tips: all is fetched, and the folders are right."""
    environ = dict(os.environ)
    if setting == "allowFilter":
        repository.git("config", "uploadpack.allowFilter", "false")
    else:
        (server.root / "gitconfig").write_text("[protocol]\n\tversion = 0\n")
        environ["GIT_CONFIG_GLOBAL"] = str(server.root / "gitconfig")
    old = repository.head
    repository.commit(FILES | {"flows/deep/b.py": "two"})
    for commit, text in ((old, "b"), (repository.head, "two")):
        with store.checkout(sparse(server, commit=commit, environ=environ)) as checkout:
            assert read_files(checkout.path) == SPARSE | {"flows/deep/b.py": text}
    assert has(repository, mirrors(store)[0], "lib/big.bin")


def test_a_commit_that_is_not_there(server: GitHttpServer, store: CheckoutStore) -> None:
    """It is told as such, and not as a server that gives out no parts."""
    with pytest.raises(RevisionNotFound, match="1111111"):
        store.checkout(sparse(server, commit="1" * 40))


def test_a_short_commit(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """Found in all of the history, as without folders."""
    with store.checkout(sparse(server, commit=repository.head[:8])) as checkout:
        assert checkout.revision == repository.head
        assert read_files(checkout.path) == SPARSE


@pytest.mark.parametrize("lost", ["pack", "idx", "promisor", "config"])
@pytest.mark.parametrize("new_commit", [True, False])
def test_a_broken_mirror_is_made_anew(
    server: GitHttpServer, repository: Repository, store: CheckoutStore, lost: str, new_commit: bool
) -> None:
    """Lost packs, lost marks of packs that are a part, a lost configuration: the run that meets them mends the mirror."""
    text = "two" if new_commit else "b"
    with store.checkout(sparse(server, ref="main")) as first:
        (mirror,) = mirrors(store)
        if lost == "config":
            (mirror / "config").write_text("[core\n")
        for path in mirror.glob(f"objects/pack/*.{lost}"):
            path.unlink()
        written_to(first)
        if new_commit:
            repository.commit(FILES | {"flows/deep/b.py": text})
        with store.checkout(sparse(server, ref="main", timeout=20)) as second:
            assert read_files(second.path) == SPARSE | {"flows/deep/b.py": text}


def test_upkeep_packs_a_partial_mirror(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """Many packs become few, and what checkouts borrow stays; with its last checkout an old mirror goes."""
    for number in range(2):
        repository.commit(FILES | {"flows/deep/b.py": str(number)})
        store.checkout(sparse(server, ref="main")).release()
    repository.commit(FILES | {"flows/deep/b.py": "2"})
    checkout = store.checkout(sparse(server, ref="main"))
    (mirror,) = mirrors(store)
    assert tidy(mirror, borrowed([checkout.path])[mirror], many=1)
    assert len(list(mirror.glob("objects/pack/*.pack"))) == 1
    server.broken = True
    written_to(checkout)
    with store.checkout(sparse(server, commit=repository.head)) as other:
        assert read_files(other.path) == SPARSE | {"flows/deep/b.py": "2"}
    checkout.release()
    shutil.rmtree(store.root / "checkouts")
    os.utime(mirror, (1e9, 1e9))
    assert mirror in collect(store, Policy(max_age=60, min_age=0)).removed


def test_which_files_a_cone_has() -> None:
    """What lies in the folders and directly above them; not what only begins with the same letters, and no submodule."""
    entries = ["100644 blob 1\ttop", "100755 blob 2\ta/x", "100644 blob 3\ta/b/y", "100644 blob 4\ta/bc/z", "160000 commit 5\ta/b/sub", ""]
    entries.append("120000 blob 6\ta/b/c/link\nwith a line")
    assert files_below("\0".join(entries), ["a/b"]) == {"1", "2", "3", "6"}
