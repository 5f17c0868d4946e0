"""Submodules over real wires: relative and absolute addresses, private ones, nested ones, hostile ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.errors import AccessDenied, InvalidSource
from flowhand_storage.git.source import GitSource
from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.storage_files import read_files

TOKEN = "t0ken-1234"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[GitHttpServer]:
    (tmp_path / "served").mkdir()
    with GitHttpServer(tmp_path / "served", ("x-access-token", TOKEN)) as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> CheckoutStore:
    return CheckoutStore(tmp_path / "storage")


@pytest.fixture
def outer(served: GitHttpServer) -> Repository:
    made = Repository(served.root)
    made.commit({"flow.py": "outer"})
    return made


@pytest.fixture
def inner(served: GitHttpServer) -> Repository:
    made = Repository(served.root, "inner")
    made.commit({"lib.py": "inner"})
    return made


def source_of(server: GitHttpServer, *, submodules: bool = True) -> GitSource:
    return GitSource(server.url(), submodules=submodules, credentials=TOKEN)


@pytest.mark.parametrize("relative", [True, False])
def test_a_private_submodule(served: GitHttpServer, outer: Repository, inner: Repository, store: CheckoutStore, relative: bool) -> None:
    """The same host's submodule is fetched with the same credentials, at the commit that the outer repository names."""
    outer.add_submodule("libs/inner", "../inner.git" if relative else served.url("inner"), inner.head)
    inner.commit({"lib.py": "newer"})
    with store.checkout(source_of(served)) as checkout:
        files = read_files(checkout.path)
    assert (files["flow.py"], files["libs/inner/lib.py"]) == ("outer", "inner")


def test_without_being_asked_they_stay_away(served: GitHttpServer, outer: Repository, inner: Repository, store: CheckoutStore) -> None:
    """A checkout without submodules and one with them are two checkouts."""
    outer.add_submodule("inner", "../inner.git", inner.head)
    with store.checkout(source_of(served, submodules=False)) as without, store.checkout(source_of(served)) as checkout:
        assert "inner/lib.py" not in read_files(without.path)
        assert "inner/lib.py" in read_files(checkout.path)


def test_nested_submodules(served: GitHttpServer, outer: Repository, inner: Repository, store: CheckoutStore) -> None:
    """A submodule's own submodules come too."""
    innermost = Repository(served.root, "innermost")
    innermost.commit({"deep.py": "deep"})
    inner.add_submodule("deep", "../innermost.git", innermost.head)
    outer.add_submodule("inner", "../inner.git", inner.head)
    with store.checkout(source_of(served)) as checkout:
        assert read_files(checkout.path)["inner/deep/deep.py"] == "deep"


def test_a_submodule_is_fetched_once(served: GitHttpServer, outer: Repository, inner: Repository, store: CheckoutStore) -> None:
    """A new commit of the outer repository with the same submodule asks nothing about it."""
    outer.add_submodule("inner", "../inner.git", inner.head)
    store.checkout(source_of(served)).release()
    (outer.tree / "inner").mkdir(exist_ok=True)
    outer.git("commit", "--allow-empty", "-q", "-m", "Another")
    served.seen.clear()
    with store.checkout(source_of(served)) as checkout:
        assert "inner/lib.py" in read_files(checkout.path)
    assert not any("inner" in line for line, _ in served.seen)


def test_a_submodule_elsewhere_gets_no_credentials(
    served: GitHttpServer, outer: Repository, inner: Repository, store: CheckoutStore
) -> None:
    """Another host is not shown our token, and its refusal names the submodule's address."""
    with GitHttpServer(served.root, ("x-access-token", TOKEN)) as other:
        outer.add_submodule("inner", other.url("inner"), inner.head)
        with pytest.raises(AccessDenied, match=other.address):
            store.checkout(source_of(served))
        assert all(authorization is None for _, authorization in other.seen)


@pytest.mark.parametrize(
    "url", ["{root}/inner.git", "file://{root}/inner.git", "ext::sh -c touch% /tmp/x", "-oProxyCommand=x:y", "--upload-pack=x", ""]
)
def test_hostile_addresses(served: GitHttpServer, outer: Repository, inner: Repository, store: CheckoutStore, url: str) -> None:
    """A repository cannot make us read this machine's folders, start programs or take options."""
    outer.add_submodule("inner", url.format(root=served.root), inner.head)
    with pytest.raises(InvalidSource):
        store.checkout(source_of(served))


def test_a_link_without_description(served: GitHttpServer, outer: Repository, inner: Repository, store: CheckoutStore) -> None:
    """A submodule that .gitmodules does not name is told by its path."""
    outer.git("update-index", "--add", "--cacheinfo", f"160000,{inner.head},lost")
    outer.git("commit", "-q", "-m", "A link")
    with pytest.raises(InvalidSource, match="lost"):
        store.checkout(source_of(served))


def test_a_submodule_behind_a_link(
    served: GitHttpServer, outer: Repository, inner: Repository, store: CheckoutStore, tmp_path: Path
) -> None:
    """A path that leads through a symbolic link is not followed."""
    target = tmp_path / "target"
    (target / "inner").mkdir(parents=True)
    (outer.tree / "link").symlink_to(target)
    outer.git("add", "link")
    outer.git("commit", "-q", "-m", "A link")
    outer.git("config", "--file", ".gitmodules", "submodule.x.path", "link/inner")
    outer.git("config", "--file", ".gitmodules", "submodule.x.url", "../inner.git")
    outer.git("add", ".gitmodules")
    outer.git("commit", "-q", "-m", "A description")
    store.checkout(source_of(served)).release()
    assert list((target / "inner").iterdir()) == []


def test_outside_of_the_sparse_folders(served: GitHttpServer, outer: Repository, inner: Repository, store: CheckoutStore) -> None:
    """A submodule in a folder that nobody asked for is not fetched."""
    outer.add_submodule("libs/inner", "../inner.git", inner.head)
    with store.checkout(GitSource(served.url(), submodules=True, directories=["flows"], credentials=TOKEN)) as checkout:
        assert "libs/inner/lib.py" not in read_files(checkout.path)
    assert not any("inner" in line for line, _ in served.seen)
