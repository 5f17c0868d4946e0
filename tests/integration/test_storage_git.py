"""Git repositories fetched over real wires: HTTP with authentication, ssh, and files."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.errors import (
    AccessDenied,
    FetchFailed,
    InvalidSource,
    MissingTool,
    RevisionNotFound,
    SourceNotFound,
    SourceUnavailable,
    StorageError,
)
from flowhand_storage.git.mirror import mirrors_in
from flowhand_storage.git.source import GitSource
from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.storage_files import read_files

TOKEN = "t0ken-with-%-and-@/"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served")
    made.commit({"flow.py": "one"})
    return made


@pytest.fixture
def server(repository: Repository) -> Iterator[GitHttpServer]:
    with GitHttpServer(repository.bare.parent, ("x-access-token", TOKEN)) as serving:
        yield serving


@pytest.fixture
def store(tmp_path: Path) -> CheckoutStore:
    return CheckoutStore(tmp_path / "storage")


def files_of(store: CheckoutStore, source: GitSource) -> dict[str, str]:
    with store.checkout(source) as checkout:
        return read_files(checkout.path)


def mirror_of(store: CheckoutStore) -> Path:
    return next(path for path in mirrors_in(store.cache).iterdir() if path.suffix == ".git")


# --- which commit -------------------------------------------------------------------------------------------------------------------


def test_branch_tag_and_commit(repository: Repository, store: CheckoutStore) -> None:
    """A branch, a light tag, an annotated tag, a whole and a short commit id each give their own files."""
    first = repository.head
    repository.git("tag", "light")
    repository.commit({"flow.py": "two"})
    repository.git("tag", "-a", "heavy", "-m", "A release")
    repository.commit({"flow.py": "three"}, branch="feature/x")
    url = str(repository.bare)
    wanted = {"main": "two", "feature/x": "three", "light": "one", "heavy": "two", "refs/tags/light": "one"}
    assert {ref: files_of(store, GitSource(url, ref=ref))["flow.py"] for ref in wanted} == wanted
    assert files_of(store, GitSource(url, commit=first)) == {"flow.py": "one"}
    assert files_of(store, GitSource(url, commit=first[:9].upper())) == {"flow.py": "one"}


def test_the_default_branch(repository: Repository, store: CheckoutStore) -> None:
    """Without a name it is what the repository's HEAD points to."""
    repository.commit({"flow.py": "trunk"}, branch="trunk")
    repository.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    assert files_of(store, GitSource(str(repository.bare))) == {"flow.py": "trunk"}


def test_a_branch_wins_over_a_tag_of_its_name(repository: Repository, store: CheckoutStore) -> None:
    """As git's own checkout has it."""
    repository.git("tag", "both")
    repository.commit({"flow.py": "branch"}, branch="both")
    assert files_of(store, GitSource(str(repository.bare), ref="both")) == {"flow.py": "branch"}


def test_git_works_inside_a_checkout(repository: Repository, store: CheckoutStore) -> None:
    """A flow that asks which commit it runs gets the answer, and the address without credentials."""
    with store.checkout(GitSource(str(repository.bare))) as checkout:
        inner = checkout.path / ".git"
        assert repository.git(f"--git-dir={inner}", "rev-parse", "HEAD") == repository.head == checkout.revision
        assert repository.git(f"--git-dir={inner}", f"--work-tree={checkout.path}", "status", "--short") == ""
        assert repository.git(f"--git-dir={inner}", "config", "remote.origin.url") == str(repository.bare)


def test_a_missing_branch_and_a_missing_commit_are_named(server: GitHttpServer, store: CheckoutStore) -> None:
    """The error says which branch or commit the repository does not have."""
    for wanted in ({"ref": "gone"}, {"commit": "1" * 40}, {"commit": "1" * 8}):
        source = GitSource(server.url(), credentials=TOKEN, **wanted)
        with pytest.raises(RevisionNotFound, match=r"gone|1111111"):
            store.checkout(source)


def test_a_repository_built_on_sha256(tmp_path: Path, store: CheckoutStore) -> None:
    """Its commit ids are longer; all else is the same."""
    repository = Repository(tmp_path / "long", "code", "--object-format=sha256")
    repository.commit({"flow.py": "long"})
    for source in (GitSource(str(repository.bare)), GitSource(str(repository.bare), commit=repository.head, directories=["x"])):
        assert files_of(store, source) == {"flow.py": "long"}
    with store.checkout(GitSource(str(repository.bare))) as checkout:
        assert repository.git(f"--git-dir={checkout.path / '.git'}", "rev-parse", "HEAD") == repository.head
        assert len(checkout.revision) == 64


def test_an_empty_repository_says_so(tmp_path: Path, store: CheckoutStore) -> None:
    """A repository without any commit has no revision."""
    with pytest.raises(RevisionNotFound):
        store.checkout(GitSource(str(Repository(tmp_path, "empty").bare)))


# --- without network ----------------------------------------------------------------------------------------------------------------


def test_a_second_run_of_a_commit_needs_no_network(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """A commit that was fetched is handed out without a single request, by its own id and by a name resolved before."""
    by_name = GitSource(server.url(), credentials=TOKEN)
    store.checkout(by_name).release()
    server.seen.clear()
    store.checkout(GitSource(server.url(), credentials=TOKEN, commit=repository.head)).release()
    store.checkout(by_name, repository.head).release()
    assert server.seen == []


def test_another_checkout_of_a_commit_needs_no_network(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """Other folders of the same commit are laid out from the mirror."""
    store.checkout(GitSource(server.url(), credentials=TOKEN)).release()
    server.broken = True
    assert files_of(store, GitSource(server.url(), commit=repository.head, directories=["nothing"])) == {"flow.py": "one"}


def test_only_one_commit_is_fetched(repository: Repository, store: CheckoutStore) -> None:
    """History stays where it is: the mirror holds one commit of the many."""
    for number in range(5):
        repository.commit({"flow.py": str(number)})
    store.checkout(GitSource(str(repository.bare))).release()
    assert repository.git(f"--git-dir={mirror_of(store)}", "rev-list", "--count", repository.head) == "1"


# --- what happens to branches -------------------------------------------------------------------------------------------------------


def test_a_force_pushed_branch(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """A branch whose history was replaced gives the new files; the old commit stays available."""
    source = GitSource(server.url(), ref="main", credentials=TOKEN)
    old = repository.head
    store.checkout(source).release()
    repository.git("commit", "--amend", "-q", "-m", "Rewritten")
    repository.commit({"flow.py": "rewritten"})
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "--quiet", "--prune=now")
    assert files_of(store, source) == {"flow.py": "rewritten"}
    assert files_of(store, GitSource(server.url(), commit=old, credentials=TOKEN)) == {"flow.py": "one"}


def test_a_deleted_branch(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """A branch that is gone is an error by its name, while its commit can still be had from what is cached."""
    sha = repository.commit({"flow.py": "short-lived"}, branch="topic")
    source = GitSource(server.url(), ref="topic", credentials=TOKEN)
    store.checkout(source).release()
    repository.git("checkout", "-q", "main")
    repository.git("branch", "-D", "topic")
    with pytest.raises(RevisionNotFound, match="topic"):
        store.checkout(source)
    assert files_of(store, GitSource(server.url(), commit=sha, credentials=TOKEN)) == {"flow.py": "short-lived"}


def test_a_branch_that_takes_the_place_of_a_folder_of_branches(repository: Repository, store: CheckoutStore) -> None:
    """`topic/a` deleted and `topic` made: names that cannot stand together in one repository are no trouble over time."""
    repository.commit({"flow.py": "a"}, branch="topic/a")
    assert files_of(store, GitSource(str(repository.bare), ref="topic/a")) == {"flow.py": "a"}
    repository.git("checkout", "-q", "main")
    repository.git("branch", "-D", "topic/a")
    repository.commit({"flow.py": "b"}, branch="topic")
    assert files_of(store, GitSource(str(repository.bare), ref="topic")) == {"flow.py": "b"}


def test_a_server_that_gives_out_tips_only(repository: Repository, server: GitHttpServer, store: CheckoutStore) -> None:
    """With protocol 0 an older commit cannot be asked for by its id; it is found in the history of the branches."""
    old = repository.head
    repository.commit({"flow.py": "two"})
    environ = dict(os.environ) | {"GIT_CONFIG_GLOBAL": str(server.root / "gitconfig")}
    (server.root / "gitconfig").write_text("[protocol]\n\tversion = 0\n")
    assert files_of(store, GitSource(server.url(), commit=old, credentials=TOKEN, environ=environ)) == {"flow.py": "one"}
    with pytest.raises(RevisionNotFound, match="1111111"):
        store.checkout(GitSource(server.url(), commit="1" * 40, credentials=TOKEN, environ=environ))


# --- a mirror that is broken --------------------------------------------------------------------------------------------------------


def _break_pack(mirror: Path) -> None:
    for pack in mirror.glob("objects/pack/*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:20])


def _break_head(mirror: Path) -> None:
    (mirror / "HEAD").write_bytes(b"")


def _leave_locks(mirror: Path) -> None:
    (mirror / "shallow.lock").touch()
    (mirror / "HEAD.lock").touch()


def _lose_objects(mirror: Path) -> None:
    for pack in mirror.glob("objects/pack/*"):
        pack.unlink()


def _lose_config(mirror: Path) -> None:
    (mirror / "config").write_text("[core\n")


@pytest.mark.parametrize("damage", [_break_pack, _break_head, _leave_locks, _lose_objects, _lose_config])
@pytest.mark.parametrize("new_commit", [True, False])
def test_a_broken_mirror_is_made_anew(repository: Repository, store: CheckoutStore, damage: Any, new_commit: bool) -> None:
    """A mirror that a power cut or a full disk left half-way is repaired by the run that meets it, for new commits and known ones."""
    source = GitSource(str(repository.bare))
    store.checkout(source).release()
    damage(mirror_of(store))
    text = "two" if new_commit else "one"
    if new_commit:
        repository.commit({"flow.py": text})
    other = GitSource(str(repository.bare), directories=["elsewhere"])
    assert files_of(store, other) == {"flow.py": text}
    assert files_of(store, source) == {"flow.py": text}


def test_a_short_commit_in_a_broken_mirror(repository: Repository, store: CheckoutStore) -> None:
    """Finding a commit by the start of its id mends the mirror as well."""
    store.checkout(GitSource(str(repository.bare))).release()
    _lose_config(mirror_of(store))
    assert files_of(store, GitSource(str(repository.bare), commit=repository.head[:8])) == {"flow.py": "one"}


def test_a_checkout_outlives_its_mirror(repository: Repository, store: CheckoutStore) -> None:
    """What was laid out stays usable when the mirror is gone."""
    with store.checkout(GitSource(str(repository.bare))) as checkout:
        shutil.rmtree(mirror_of(store))
        assert files_of(store, GitSource(str(repository.bare), commit=checkout.revision)) == {"flow.py": "one"}


def test_two_workers_at_once(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """Stores in different processes' hands fetch different commits into one mirror at one time."""
    shas = [repository.commit({"flow.py": str(number)}) for number in range(6)]
    together = threading.Barrier(12)

    def one(sha: str) -> str:
        together.wait()
        return files_of(CheckoutStore(store.root), GitSource(server.url(), commit=sha, credentials=TOKEN))["flow.py"]

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(one, shas * 2)) == ["0", "1", "2", "3", "4", "5"] * 2
    assert len([path for path in mirrors_in(store.cache).iterdir() if path.suffix == ".git"]) == 1


# --- parts of a repository ----------------------------------------------------------------------------------------------------------


def test_sparse_folders(repository: Repository, store: CheckoutStore) -> None:
    """Only the folders asked for are laid out, and the files at the top."""
    repository.commit({"top.txt": "t", "flows/a.py": "a", "flows/deep/b.py": "b", "lib/c.py": "c", "big folder/d": "d"})
    source = GitSource(str(repository.bare), directories=["flows/deep", "big folder/"])
    assert files_of(store, source) == {"top.txt": "t", "flows/a.py": "a", "flows/deep/b.py": "b", "big folder/d": "d"}
    assert len(files_of(store, GitSource(str(repository.bare)))) == 5


# --- who may ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "credentials"),
    [
        (("x-access-token", TOKEN), TOKEN),
        (("x-access-token", TOKEN), {"access_token": TOKEN}),
        (("oauth2", "glpat-1234"), {"token": "glpat-1234"}),
        (("deployer", "s3cret"), {"username": "deployer", "password": "s3cret"}),
        (("deployer", "t1234"), {"username": "deployer", "access_token": "t1234"}),
        (("deployer", "t1234"), {"access_token": "deployer:t1234"}),
        ("Bearer b3arer-token", {"header": "Authorization: Bearer b3arer-token"}),
        ("Bearer b3arer-token", {"header": "Bearer b3arer-token"}),
    ],
)
def test_credentials_of_every_form(server: GitHttpServer, store: CheckoutStore, login: Any, credentials: Any) -> None:
    """Tokens, user names with passwords, and headers open the repository."""
    server.login = login
    assert files_of(store, GitSource(server.url(), credentials=credentials)) == {"flow.py": "one"}


def test_credentials_in_the_url(server: GitHttpServer, store: CheckoutStore) -> None:
    """They work, and are taken out: the checkout's own repository does not know them."""
    server.login = ("ada", "s3cret@")
    url = server.url().replace("://", "://ada:s3cret%40@")
    with store.checkout(GitSource(url)) as checkout:
        assert "s3cret" not in (checkout.path / ".git/config").read_text()
    assert not any(b"s3cret" in path.read_bytes() for path in store.root.rglob("*") if path.is_file())


@pytest.mark.parametrize("credentials", [None, "wr0ng-token", {"username": "ada", "password": "wr0ng-token"}])
def test_wrong_or_no_credentials(server: GitHttpServer, store: CheckoutStore, credentials: Any) -> None:
    """The error says that access was denied, and not what was shown."""
    with pytest.raises(AccessDenied, match="credentials") as caught:
        store.checkout(GitSource(server.url(), credentials=credentials))
    assert "wr0ng" not in str(caught.value)
    assert server.address in str(caught.value)


def test_a_redirect_elsewhere_gets_no_credentials(server: GitHttpServer, repository: Repository, store: CheckoutStore) -> None:
    """A server that sends git to another host does not get our token sent there."""
    with GitHttpServer(repository.bare.parent, ("x-access-token", TOKEN)) as other:
        server.redirect, server.login = other.address, None
        for credentials in (TOKEN, {"header": f"Authorization: Bearer {TOKEN}"}):
            with pytest.raises(StorageError):
                store.checkout(GitSource(server.url(), credentials=credentials))
        assert all(authorization is None for _, authorization in other.seen)


def test_no_secret_in_any_argument_or_file(server: GitHttpServer, store: CheckoutStore, tmp_path: Path) -> None:
    """Every git process of a fetch, its helpers included, is started without the token among its arguments."""
    log = tmp_path / "arguments"
    shadow = tmp_path / "bin"
    shadow.mkdir()
    real = next(Path(folder) / "git" for folder in os.environ["PATH"].split(":") if (Path(folder) / "git").exists())
    (shadow / "git").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{log}"\nexec "{real}" "$@"\n')
    (shadow / "git").chmod(0o755)
    environ = dict(os.environ) | {"PATH": f"{shadow}:{os.environ['PATH']}", "GIT_TRACE": str(tmp_path / "trace"), "GIT_TRACE_CURL": "1"}
    server.login = ("x-access-token", "s3cret-token")
    files_of(store, GitSource(server.url(), credentials={"access_token": "s3cret-token"}, environ=environ))
    assert "fetch" in log.read_text()
    assert "s3cret" not in log.read_text()
    assert not (tmp_path / "trace").exists()
    assert not any(b"s3cret" in path.read_bytes() for path in store.root.rglob("*") if path.is_file())


def test_the_users_own_helpers_are_not_told(server: GitHttpServer, store: CheckoutStore, tmp_path: Path) -> None:
    """A credential helper that stores what worked never hears of our token."""
    kept = tmp_path / "kept"
    (tmp_path / "gitconfig").write_text(f"[credential]\n\thelper = store --file={kept}\n")
    environ = dict(os.environ) | {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")}
    files_of(store, GitSource(server.url(), credentials=TOKEN, environ=environ))
    assert not kept.exists()


def test_the_users_own_helpers_are_asked_when_we_have_nothing(server: GitHttpServer, store: CheckoutStore, tmp_path: Path) -> None:
    """Without credentials of ours, what the machine is set up with works."""
    server.login = ("ada", "s3cret")
    (tmp_path / "kept").write_text(server.address.replace("://", "://ada:s3cret@") + "\n")
    (tmp_path / "gitconfig").write_text(f"[credential]\n\thelper = store --file={tmp_path / 'kept'}\n")
    environ = dict(os.environ) | {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")}
    assert files_of(store, GitSource(server.url(), environ=environ)) == {"flow.py": "one"}


# --- what goes wrong ----------------------------------------------------------------------------------------------------------------


def test_a_missing_repository(server: GitHttpServer, store: CheckoutStore) -> None:
    """An address without a repository is told as such, over HTTP and on disk."""
    for url in (server.url("nowhere"), str(server.root / "nowhere.git")):
        with pytest.raises(SourceNotFound, match="nowhere"):
            store.checkout(GitSource(url, credentials=TOKEN))


def test_a_server_that_is_down(server: GitHttpServer, store: CheckoutStore) -> None:
    """A server that answers 503, and one that is not there, may be tried again."""
    server.broken = True
    for url in (server.url(), "http://127.0.0.1:9/code.git"):
        with pytest.raises(SourceUnavailable):
            store.checkout(GitSource(url, credentials=TOKEN))


def test_a_server_that_never_answers(store: CheckoutStore) -> None:
    """The deadline ends git and the transport program that waits."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(SourceUnavailable, match=r"longer than 0\.3 s"):
        store.checkout(GitSource(f"http://127.0.0.1:{silent.getsockname()[1]}/code.git", timeout=0.3))


def test_without_git(tmp_path: Path, store: CheckoutStore) -> None:
    """A machine without git is told what to install."""
    with pytest.raises(MissingTool, match="install"):
        store.checkout(GitSource("https://example.invalid/code", environ={"PATH": str(tmp_path)}))


def test_variables_that_redirect_git_are_dropped(repository: Repository, store: CheckoutStore, tmp_path: Path) -> None:
    """A run started inside a git hook, where GIT_DIR is set, fetches the right repository."""
    environ = dict(os.environ) | {"GIT_DIR": str(tmp_path), "GIT_WORK_TREE": "/", "GIT_INDEX_FILE": "/x", "GIT_OBJECT_DIRECTORY": "/x"}
    assert files_of(store, GitSource(str(repository.bare), environ=environ)) == {"flow.py": "one"}


def test_hooks_do_not_run(repository: Repository, store: CheckoutStore, tmp_path: Path) -> None:
    """Neither the user's template nor a configured hooks folder starts a program."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "post-checkout").chmod(0o755)
    (tmp_path / "gitconfig").write_text(f"[core]\n\thooksPath = {hooks}\n")
    environ = dict(os.environ) | {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")}
    files_of(store, GitSource(str(repository.bare), environ=environ))
    assert not (tmp_path / "ran").exists()


def test_a_place_that_cannot_be_written_is_told(repository: Repository, tmp_path: Path) -> None:
    """Where nothing can be kept, the error names the folder."""
    (tmp_path / "file").touch()
    with pytest.raises(FetchFailed, match="file"):
        CheckoutStore(tmp_path / "file" / "storage").checkout(GitSource(str(repository.bare)))


def test_a_branch_and_a_commit_are_too_much() -> None:
    """Asking for both is refused before anything is fetched."""
    with pytest.raises(InvalidSource, match="both"):
        GitSource("https://example.invalid/code", ref="main", commit="1234567")
