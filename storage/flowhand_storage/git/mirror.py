"""The mirror: a bare repository per address that keeps every commit that was asked for, so that no object is fetched twice.

<cache>/git/<name>-<digest>.git         the repository; refs/flowhand/<sha> marks a commit whose files are all there
<cache>/git/<name>-<digest>.git.lock    exclusive while it is fetched into or made, shared while checkouts are laid out from it
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from flowhand_storage.errors import RevisionNotFound
from flowhand_storage.git.address import Address
from flowhand_storage.git.command import Git, GitFailed
from flowhand_storage.git.failures import explain, gives_tips_only, is_local, meaning, no_such_ref
from flowhand_storage.git.refs import is_full, object_format
from flowhand_storage.locks import lock
from flowhand_storage.paths import digest, label
from flowhand_storage.records import LOCK_SUFFIX, beside
from flowhand_storage.trees import remove_tree

MARK = "refs/flowhand/"
_ALL = ("+refs/heads/*:refs/remotes/all/*", "+refs/tags/*:refs/tags/*")


class Mirror:
    """The mirror of one address. `wait` bounds, in seconds, the wait for another process that is fetching; `part` names what part of the
    files it is for, when that is not all of them.
    """

    def __init__(self, cache: Path, address: Address, git: Git, *, wait: float, part: str = "") -> None:
        self.folder = mirrors_in(cache) / f"{label(address.name)}-{digest(address.url, *([part] if part else []))}.git"
        self._filter: tuple[str, ...] = ()
        self._address = address
        self._git = git
        self._wait = wait

    def has(self, sha: str) -> bool:
        """Whether the commit's files are here; nobody is asked."""
        return (self.folder / MARK / sha).exists()

    @contextmanager
    def holding(self, sha: str, ref: str | None) -> Generator[None]:
        """The mirror has `sha` and stays as it is until the block is left. `ref` is where the commit was found, if it was by a name."""
        self.require(sha, ref)
        with lock(beside(self.folder, LOCK_SUFFIX), shared=True, wait=self._wait):
            # For the collection: this is when it was used last.
            os.utime(self.folder)
            yield

    def require(self, sha: str, ref: str | None) -> None:
        """Fetch `sha` unless it is there. A mirror that git cannot use is made anew, once."""
        if self.has(sha):
            return
        with lock(beside(self.folder, LOCK_SUFFIX), wait=self._wait):
            self._mending(lambda: self._fetch(sha, ref))

    def repair(self, sha: str, ref: str | None) -> None:
        """Make the mirror anew with `sha` alone: what is there cannot be read. Checkouts made from it keep their files."""
        with lock(beside(self.folder, LOCK_SUFFIX), wait=self._wait):
            remove_tree(self.folder)
            self._mending(lambda: self._fetch(sha, ref))

    def complete(self, short: str) -> str:
        """The whole id of the commit whose id begins with `short`: all branches and tags are fetched to find it."""
        with lock(beside(self.folder, LOCK_SUFFIX), wait=self._wait):
            self._mending(self._fetch_history)
            try:
                sha = self._git.run("rev-parse", "--verify", "--quiet", f"{short}^{{commit}}", folder=self.folder).strip()
            except GitFailed:
                raise no_such_ref(self._address, short, self._git.scrub) from None
            self._mark(sha)
            return sha

    def _mending(self, fetch: Callable[[], None]) -> None:
        """Fetch; when git cannot use what is here, a second time into a mirror made anew. An error of the package for any other failure."""
        try:
            try:
                fetch()
            except GitFailed as failure:
                if not is_local(failure):
                    raise
                remove_tree(self.folder)
                fetch()
        except GitFailed as failure:
            raise explain(failure, self._address) from None

    def _fetch(self, sha: str, ref: str | None) -> None:
        self._make(object_format(sha))
        if self.has(sha):
            return
        try:
            self._fetch_shallow(f"{sha}:{MARK}{sha}")
        except GitFailed as failure:
            if not gives_tips_only(failure):
                raise
            self._fetch_around(sha, ref)
            self._mark(sha)

    def _fetch_shallow(self, what: str) -> None:
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1", *self._filter)
        self._git.run("fetch", *options, "--", self._address.url, what, folder=self.folder)

    def _fetch_around(self, sha: str, ref: str | None) -> None:
        """Fetch `sha` from a server that does not give it out by its id: by its ref, if that is still there, else with all history."""
        if ref is not None:
            try:
                self._fetch_shallow(ref)
            except GitFailed as failure:
                if meaning(failure)[0] is not RevisionNotFound:
                    raise
        if not self._knows(sha):
            self._fetch_history()
        if not self._knows(sha):
            raise no_such_ref(self._address, sha, self._git.scrub)

    def _fetch_history(self) -> None:
        self._make()
        deepen = ["--unshallow"] if (self.folder / "shallow").exists() else []
        self._git.run("fetch", "--quiet", "--no-write-fetch-head", *deepen, "--", self._address.url, *_ALL, folder=self.folder)

    def _knows(self, sha: str) -> bool:
        try:
            self._git.run("cat-file", "-e", f"{sha}^{{commit}}", folder=self.folder)
        except GitFailed:
            return False
        return True

    def _mark(self, sha: str) -> None:
        self._git.run("update-ref", MARK + sha, sha, folder=self.folder)

    def _make(self, hashed_by: str = "sha1") -> None:
        """An empty repository, unless one is there; a killed `git init` leaves none under this name."""
        if (self.folder / "HEAD").exists():
            return
        remove_tree(self.folder)
        draft = beside(self.folder, ".new")
        remove_tree(draft)
        options = ["--bare", "--quiet", "--template=", f"--object-format={hashed_by}"]
        self._git.run("init", *options, "--", str(draft), folder=self.folder.parent)
        draft.rename(self.folder)


def mirrors_in(cache: Path) -> Path:
    """Where the mirrors are; made when missing."""
    folder = cache / "git"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def find_tip(git: Git, address: Address, ref: str | None, folder: Path) -> tuple[str, str]:
    """Ask the remote for the commit of a branch or tag (None: its default branch): its id, and the full name of the ref."""
    names = _candidates(ref)
    try:
        answer = git.run("ls-remote", "--quiet", "--", address.url, *names, folder=folder)
    except GitFailed as failure:
        raise explain(failure, address) from None
    found = {name: sha for sha, _, name in (line.partition("\t") for line in answer.splitlines())}
    for name in names:
        # Of an annotated tag, the peeled line (gitrevisions(7), ^{}) names the commit.
        sha = found.get(name + "^{}") or found.get(name)
        if sha and is_full(sha):
            return sha, name
    raise no_such_ref(address, ref or "HEAD", git.scrub)


def _candidates(ref: str | None) -> list[str]:
    if ref is None:
        return ["HEAD"]
    if ref.startswith("refs/"):
        return [ref]
    return [f"refs/heads/{ref}", f"refs/tags/{ref}"]
