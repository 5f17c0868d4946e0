"""Git over ssh, against OpenSSH's own server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.errors import AccessDenied, InvalidSource, SourceNotFound
from flowhand_storage.git.source import GitSource
from support.git_repository import Repository
from support.ssh_server import SshServer
from support.storage_files import read_files

PASSPHRASE = "open sesame"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served")
    made.commit({"flow.py": "one"})
    return made


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SshServer]:
    with SshServer(tmp_path / "ssh", passphrase=getattr(request, "param", "")) as serving:
        yield serving


@pytest.fixture
def store(tmp_path: Path) -> CheckoutStore:
    return CheckoutStore(tmp_path / "storage")


def test_a_key_given_as_text(server: SshServer, repository: Repository, store: CheckoutStore) -> None:
    """The key of a secret block opens the repository, and is on disk only while git runs."""
    credentials = {"ssh_key": server.key.read_text(), "known_hosts": server.known_hosts}
    with store.checkout(GitSource(server.url(repository.bare), credentials=credentials)) as checkout:
        assert read_files(checkout.path) == {"flow.py": "one"}
    assert not any(b"PRIVATE KEY" in path.read_bytes() for path in store.root.rglob("*") if path.is_file())


def test_a_key_given_as_a_path(server: SshServer, repository: Repository, store: CheckoutStore) -> None:
    """So does a key in a file of this machine."""
    credentials = {"private_key_path": str(server.key), "known_hosts": server.known_hosts}
    with store.checkout(GitSource(server.url(repository.bare), ref="main", credentials=credentials)) as checkout:
        assert read_files(checkout.path) == {"flow.py": "one"}


@pytest.mark.parametrize("server", [PASSPHRASE], indirect=True)
def test_a_key_with_a_passphrase(server: SshServer, repository: Repository, store: CheckoutStore) -> None:
    """ssh asks our helper for it."""
    credentials = {"ssh_key_path": str(server.key), "passphrase": PASSPHRASE, "known_hosts": server.known_hosts}
    with store.checkout(GitSource(server.url(repository.bare), credentials=credentials)) as checkout:
        assert read_files(checkout.path) == {"flow.py": "one"}
    wrong = credentials | {"passphrase": "wr0ng-phrase"}
    with pytest.raises(AccessDenied) as caught:
        store.checkout(GitSource(server.url(repository.bare), credentials=wrong, directories=["x"], ref="main"))
    assert "wr0ng" not in str(caught.value)


def test_the_users_own_setting(server: SshServer, repository: Repository, store: CheckoutStore, tmp_path: Path) -> None:
    """Without credentials of ours, what the user set up for ssh is used."""
    (tmp_path / "known_hosts").write_text(server.known_hosts)
    command = f"ssh -i {server.key} -o UserKnownHostsFile={tmp_path / 'known_hosts'}"
    source = GitSource(server.url(repository.bare), environ=dict(os.environ) | {"GIT_SSH_COMMAND": command})
    with store.checkout(source) as checkout:
        assert read_files(checkout.path) == {"flow.py": "one"}


def test_a_key_that_does_not_fit(server: SshServer, repository: Repository, store: CheckoutStore, tmp_path: Path) -> None:
    """The refusal is told at once, without a prompt and without the key."""
    with SshServer(tmp_path / "other") as other:
        credentials = {"ssh_key": other.key.read_text(), "known_hosts": server.known_hosts}
        with pytest.raises(AccessDenied, match="credentials") as caught:
            store.checkout(GitSource(server.url(repository.bare), credentials=credentials))
    assert "PRIVATE" not in str(caught.value)


def test_a_host_nobody_knows(server: SshServer, repository: Repository, store: CheckoutStore) -> None:
    """A host whose key is not the known one is not talked to."""
    credentials = {"ssh_key": server.key.read_text(), "known_hosts": "# nobody"}
    with pytest.raises(AccessDenied, match=r"[Hh]ost key"):
        store.checkout(GitSource(server.url(repository.bare), credentials=credentials))


def test_a_repository_that_is_not_there(server: SshServer, repository: Repository, store: CheckoutStore) -> None:
    """Let in, but no such repository."""
    credentials = {"ssh_key": server.key.read_text(), "known_hosts": server.known_hosts}
    with pytest.raises(SourceNotFound):
        store.checkout(GitSource(server.url(repository.bare.with_name("nowhere.git")), credentials=credentials))


def test_a_token_is_no_key() -> None:
    """A token for an address that only a key opens is told, not ignored."""
    with pytest.raises(InvalidSource, match="ssh_key"):
        GitSource("git@example.invalid:code.git", credentials={"access_token": "t0ken"})
