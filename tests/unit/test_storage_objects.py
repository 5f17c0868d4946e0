"""Storage objects as a script uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowhand_storage import BlockStorageAdapter, GitRepository, LocalStorage, RemoteStorage, create_storage_from_source
from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.collect import Policy, collect
from flowhand_storage.errors import FetchFailed, InvalidSource, SourceNotFound, StorageError
from support.git_repository import Repository
from support.storage_blocks import AsyncFolderBlock, FolderBlock, Hidden, SecretBlock, TokenBlock
from support.storage_files import read_files, write_files

GIT_CLONE = "prefect.deployments.steps.git_clone"
PULL_REMOTE = "prefect.deployments.steps.pull_from_remote_storage"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served")
    made.commit({"flow.py": "one"})
    return made


@pytest.fixture
def store(tmp_path: Path) -> CheckoutStore:
    return CheckoutStore(tmp_path / "storage")


def placed(storage: Any, store: CheckoutStore, folder: Path) -> Any:
    storage.set_base_path(folder)
    storage.set_store(store)
    return storage


# --- pulling ------------------------------------------------------------------------------------------------------------------------


def test_pull_puts_the_code_at_its_destination(repository: Repository, store: CheckoutStore, tmp_path: Path) -> None:
    """After a pull the code is at the destination, below the base path."""
    storage = placed(GitRepository(str(repository.bare), branch="main"), store, tmp_path / "base")
    storage.pull_code()
    assert storage.destination == tmp_path / "base" / "code-main"
    assert read_files(storage.destination) == {"flow.py": "one"}
    assert storage.revision == repository.head


def test_a_served_deployment_follows_its_branch(repository: Repository, store: CheckoutStore, tmp_path: Path) -> None:
    """A second pull moves the destination to the new code; what runs from the old checkout keeps it."""
    storage = placed(GitRepository(str(repository.bare), branch="main", pull_interval=5), store, tmp_path / "base")
    running = storage.pull_code()
    repository.commit({"flow.py": "two"})
    storage.pull_code()
    assert storage.pull_interval == 5
    assert read_files(storage.destination) == {"flow.py": "two"}
    assert read_files(running) == {"flow.py": "one"}


def test_what_was_pulled_is_not_collected(repository: Repository, store: CheckoutStore, tmp_path: Path) -> None:
    """The storage holds its checkout until it points to another one."""
    storage = placed(GitRepository(str(repository.bare)), store, tmp_path / "base")
    first = storage.pull_code()
    nothing_stays = Policy(max_age=0, min_age=0, max_size=0)
    assert collect(store, nothing_stays, now=2e10).removed == []
    repository.commit({"flow.py": "two"})
    storage.pull_code()
    assert collect(store, nothing_stays, now=2e10).removed == [first]


def test_something_else_at_the_destination(repository: Repository, store: CheckoutStore, tmp_path: Path) -> None:
    """A folder of the user's own is not replaced."""
    storage = placed(GitRepository(str(repository.bare), name="mine"), store, tmp_path)
    write_files(tmp_path / "mine", {"work.py": "precious"})
    with pytest.raises(FetchFailed, match="in the way"):
        storage.pull_code()
    assert read_files(tmp_path / "mine") == {"work.py": "precious"}


@pytest.mark.anyio
async def test_pull_can_be_awaited(repository: Repository, store: CheckoutStore, tmp_path: Path) -> None:
    """In a coroutine the same call is awaited."""
    storage = placed(GitRepository(str(repository.bare)), store, tmp_path / "base")
    assert read_files(await storage.pull_code()) == {"flow.py": "one"}
    assert await LocalStorage(tmp_path).pull_code() == tmp_path


def test_remote_storage(store: CheckoutStore, tmp_path: Path) -> None:
    """Files behind a URL are pulled the same way."""
    write_files(tmp_path / "code", {"flow.py": "1"})
    storage = placed(RemoteStorage(f"file://{tmp_path}/code"), store, tmp_path / "base")
    storage.pull_code()
    assert read_files(storage.destination) == {"flow.py": "1"}


def test_local_storage_stays_where_it_is(tmp_path: Path) -> None:
    """A folder is its own destination; one that is not there is told."""
    storage = LocalStorage(tmp_path)
    storage.set_base_path(tmp_path / "elsewhere")
    assert (storage.pull_code(), storage.destination, storage.pull_interval) == (tmp_path, tmp_path, None)
    with pytest.raises(SourceNotFound):
        LocalStorage(tmp_path / "nowhere").pull_code()


@pytest.mark.parametrize("kind", [FolderBlock, AsyncFolderBlock])
def test_a_block(kind: type[FolderBlock], store: CheckoutStore, tmp_path: Path) -> None:
    """Old blocks and new ones give out their files; a second pull sees what changed."""
    write_files(tmp_path / "code", {"flow.py": "1"})
    storage = placed(BlockStorageAdapter(kind(tmp_path / "code", "mine")), store, tmp_path / "base")
    storage.pull_code()
    write_files(tmp_path / "code", {"flow.py": "2"})
    storage.pull_code()
    assert storage.destination == tmp_path / "base" / "mine"
    assert read_files(storage.destination) == {"flow.py": "2"}


@pytest.mark.anyio
async def test_an_async_block_in_async_code(store: CheckoutStore, tmp_path: Path) -> None:
    """Its coroutine runs on a loop of its own, beside the caller's."""
    write_files(tmp_path / "code", {"flow.py": "1"})
    storage = placed(BlockStorageAdapter(AsyncFolderBlock(tmp_path / "code")), store, tmp_path / "base")
    assert read_files(await storage.pull_code()) == {"flow.py": "1"}


def test_a_block_that_fails(store: CheckoutStore, tmp_path: Path) -> None:
    """What a block raises comes out as ours, without its secrets."""

    class Broken(FolderBlock):
        def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
            raise RuntimeError(f"cannot log in with {self.key.get_secret_value()}")

    block = Broken(tmp_path)
    block.key = Hidden("s3cret-key")
    with pytest.raises(FetchFailed, match="log in") as caught:
        placed(BlockStorageAdapter(block), store, tmp_path).pull_code()
    assert "s3cret-key" not in str(caught.value)


# --- as pull steps ------------------------------------------------------------------------------------------------------------------


def test_git_as_a_step() -> None:
    """Every option that was given stands in the step."""
    storage = GitRepository("https://example.org/team/code.git", branch="main", include_submodules=True, directories=["a", "b"])
    assert storage.to_pull_step() == {
        GIT_CLONE: {
            "repository": "https://example.org/team/code.git",
            "branch": "main",
            "include_submodules": True,
            "directories": ["a", "b"],
        }
    }
    by_commit = GitRepository("git@example.org:team/code.git", commit_sha="abcdef1234")
    assert by_commit.to_pull_step() == {
        GIT_CLONE: {"repository": "git@example.org:team/code.git", "branch": None, "commit_sha": "abcdef1234"}
    }


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (TokenBlock("t0ken", "mine"), "{{ prefect.blocks.github-credentials.mine }}"),
        ({"access_token": SecretBlock("t0ken", "token")}, {"access_token": "{{ prefect.blocks.secret.token }}"}),
        ({"access_token": "{{ prefect.blocks.secret.token }}"}, {"access_token": "{{ prefect.blocks.secret.token }}"}),
        (
            {"username": "ada", "password": SecretBlock("t0ken", "word")},
            {"username": "ada", "password": "{{ prefect.blocks.secret.word }}"},
        ),
    ],
)
def test_saved_secrets_are_referred_to(credentials: Any, expected: Any) -> None:
    """A step names a saved block; it never holds what is in it."""
    storage = GitRepository("https://example.org/code.git", credentials=credentials)
    assert storage.to_pull_step()[GIT_CLONE]["credentials"] == expected


@pytest.mark.parametrize(
    "credentials",
    [{"access_token": SecretBlock("t0ken-1")}, {"access_token": "t0ken-1"}, {"token": Hidden("t0ken-1")}, TokenBlock("t0ken-1")],
)
def test_plain_secrets_do_not_get_into_a_step(credentials: Any) -> None:
    """Unsaved credentials are refused, or kept by whoever can keep them and referred to."""
    storage = GitRepository("https://example.org/code.git", credentials=credentials)
    with pytest.raises(ValueError, match="save your"):
        storage.to_pull_step()
    kept: list[Any] = []
    step = storage.to_pull_step(lambda value: kept.append(value) or "{{ prefect.blocks.secret.anonymous-1 }}")
    assert "t0ken-1" not in str(step)
    assert "anonymous-1" in str(step)
    assert len(kept) == 1


def test_credentials_of_the_url_leave_it() -> None:
    """A token in the address is taken out of it, and kept like any other."""
    storage = GitRepository("https://ada:t0ken-1@example.org/code.git")
    with pytest.raises(ValueError, match="save your"):
        storage.to_pull_step()
    step = storage.to_pull_step(lambda value: "{{ kept }}")
    assert step == {
        GIT_CLONE: {
            "repository": "https://example.org/code.git",
            "branch": None,
            "credentials": {"username": "ada", "password": "{{ kept }}"},
        }
    }
    assert "t0ken" not in repr(storage)


def test_remote_storage_as_a_step() -> None:
    """Settings stand in the step, secrets as references, the package that is needed as `requires`."""
    settings = {"key": "AKIA", "secret": SecretBlock("s", "word"), "client_kwargs": {"region_name": "eu"}}
    with pytest.raises(ValueError, match="save your"):
        RemoteStorage("s3://bucket/folder", **settings).to_pull_step()
    settings["key"] = SecretBlock("AKIA", "key")
    assert RemoteStorage("s3://bucket/folder", **settings).to_pull_step() == {
        PULL_REMOTE: {
            "url": "s3://bucket/folder",
            "key": "{{ prefect.blocks.secret.key }}",
            "secret": "{{ prefect.blocks.secret.word }}",
            "client_kwargs": {"region_name": "eu"},
            "requires": "s3fs",
        }
    }


def test_remote_addresses_with_secrets() -> None:
    """A password or a signature in a remote address does not stay in it."""
    keep = "{{ kept }}"
    assert RemoteStorage("sftp://ada:pass-1@host/code").to_pull_step(lambda value: keep) == {
        PULL_REMOTE: {"url": "sftp://host/code", "username": "ada", "password": keep}
    }
    assert RemoteStorage("zip://a::https://h/x.zip?sig=s3cret").to_pull_step(lambda value: keep) == {PULL_REMOTE: {"url": keep}}
    with pytest.raises(ValueError, match="save your"):
        RemoteStorage("https://h/x.zip?X-Amz-Signature=s3cret").to_pull_step()


def test_local_storage_as_a_step(tmp_path: Path) -> None:
    """A folder is a working directory."""
    assert LocalStorage(tmp_path).to_pull_step() == {"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}


def test_a_block_as_a_step(tmp_path: Path) -> None:
    """A saved block is named; an unsaved one must be saved first; a block with a step of its own says it."""
    step = BlockStorageAdapter(FolderBlock(tmp_path, "mine")).to_pull_step()
    expected = {"block_type_slug": "local-file-system", "block_document_name": "mine"}
    assert step == {"prefect.deployments.steps.pull_with_block": expected}
    with pytest.raises(ValueError, match="save"):
        BlockStorageAdapter(FolderBlock(tmp_path)).to_pull_step()
    own = FolderBlock(tmp_path)
    own.get_pull_step = lambda: {"mine": {}}
    assert BlockStorageAdapter(own).to_pull_step() == {"mine": {}}


# --- what can never work ------------------------------------------------------------------------------------------------------------


def test_contradictions_are_refused_at_once() -> None:
    """A branch and a commit, a user name alone, no block at all."""
    with pytest.raises(ValueError, match="both"):
        GitRepository("https://example.org/code.git", branch="main", commit_sha="1234567")
    with pytest.raises(ValueError, match="token or a password"):
        GitRepository("https://example.org/code.git", credentials={"username": "ada"})
    with pytest.raises(ValueError, match="get_directory"):
        BlockStorageAdapter(object())


def test_equality() -> None:
    """Two objects that mean the same code are equal, whatever opens it."""
    url = "https://example.org/code.git"
    assert GitRepository(url, branch="main") == GitRepository(url, branch="main", credentials={"access_token": "x"})
    assert GitRepository(url, branch="main") != GitRepository(url, branch="other")
    assert len({GitRepository(url), GitRepository(url), LocalStorage("/a"), LocalStorage("/a")}) == 2


# --- from whatever names a source ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("https://github.com/org/repo.git", GitRepository),
        ("https://github.com/org/repo", GitRepository),
        ("https://git.example.org/org/repo.git", GitRepository),
        ("git@github.com:org/repo.git", GitRepository),
        ("git@github.com:org/repo", GitRepository),
        ("ssh://git@github.com/org/repo", GitRepository),
        ("git://example.org/repo", GitRepository),
        ("git+https://example.org/repo", GitRepository),
        ("file:///srv/repo.git", GitRepository),
        ("https://github.com/org/repo/archive/main.zip", RemoteStorage),
        ("https://example.org/code.zip", RemoteStorage),
        ("zip://inner::https://example.org/code.zip", RemoteStorage),
        ("s3://bucket/folder", RemoteStorage),
        ("gs://bucket/folder", RemoteStorage),
        ("memory://folder", RemoteStorage),
        ("file:///srv/code", LocalStorage),
        ("local:///srv/code", LocalStorage),
        ("/srv/code", LocalStorage),
        ("./code", LocalStorage),
        ("code", LocalStorage),
        (Path("/srv/code"), LocalStorage),
    ],
)
def test_create_storage_from_source(source: Any, kind: type) -> None:
    """A URL or a path becomes the storage that it names."""
    assert type(create_storage_from_source(source)) is kind


def test_create_storage_from_objects(tmp_path: Path) -> None:
    """A storage object stays what it is; a block is adapted; the interval goes to what is pulled."""
    storage = LocalStorage(tmp_path)
    assert create_storage_from_source(storage) is storage
    assert create_storage_from_source(FolderBlock(tmp_path), pull_interval=7).pull_interval == 7
    assert create_storage_from_source("s3://bucket/x", pull_interval=7).pull_interval == 7


@pytest.mark.parametrize("source", ["", "nonsense://x", "http://[bad", "ext::sh -c id", 42, None])
def test_no_source_at_all(source: Any) -> None:
    """What names no source is a ValueError in one line."""
    with pytest.raises(ValueError) as caught:
        create_storage_from_source(source).source().revision(Path("/nonexistent"))
    assert isinstance(caught.value, StorageError)
    assert isinstance(caught.value, InvalidSource)
