"""Git over TLS, and over git's own protocol."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.errors import SourceNotFound, SourceUnavailable
from flowhand_storage.git.source import GitSource
from support.certificates import make_certificate
from support.git_daemon import git_daemon
from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.storage_files import read_files

TOKEN = "".join(["t0ken", "-for-tls"])


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served")
    made.commit({"flow.py": "one", "jobs/a.py": "a"})
    return made


@pytest.fixture
def store(tmp_path: Path) -> CheckoutStore:
    return CheckoutStore(tmp_path / "storage")


def test_a_private_repository_over_tls(repository: Repository, store: CheckoutStore, tmp_path: Path) -> None:
    """With the authority that the user names to git it opens; one that nobody knows is not shown the token."""
    certificate = make_certificate(tmp_path)
    trusting = dict(os.environ) | {"GIT_SSL_CAINFO": str(certificate.cert)}
    with GitHttpServer(repository.bare.parent, ("x-access-token", TOKEN), certificate=certificate) as server:
        assert server.url().startswith("https://")
        with pytest.raises(SourceUnavailable, match="certificate") as caught:
            store.checkout(GitSource(server.url(), credentials=TOKEN))
        assert TOKEN not in str(caught.value)
        assert server.seen == []
        with store.checkout(GitSource(server.url(), credentials=TOKEN, environ=trusting)) as checkout:
            assert read_files(checkout.path) == {"flow.py": "one", "jobs/a.py": "a"}


def test_gits_own_protocol(repository: Repository, store: CheckoutStore) -> None:
    """A branch that moves, a part of it, and a repository that is not there."""
    with git_daemon(repository.bare.parent) as address:
        for text in ("one", "two"):
            repository.commit({"flow.py": text, "jobs/a.py": "a"})
            with store.checkout(GitSource(f"{address}code.git", ref="main")) as checkout:
                assert read_files(checkout.path) == {"flow.py": text, "jobs/a.py": "a"}
        with store.checkout(GitSource(f"{address}code.git", ref="main", directories=["lib"])) as checkout:
            assert read_files(checkout.path) == {"flow.py": "two"}
        with pytest.raises(SourceNotFound, match="nowhere"):
            store.checkout(GitSource(f"{address}nowhere.git"))
