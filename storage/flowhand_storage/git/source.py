"""A git repository as a source."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from flowhand_storage.errors import InvalidSource
from flowhand_storage.git.address import parse_address
from flowhand_storage.git.command import Git, GitFailed
from flowhand_storage.git.credentials import credentials_for
from flowhand_storage.git.failures import explain, is_local
from flowhand_storage.git.layout import lay_out
from flowhand_storage.git.mirror import Mirror, find_tip, mirrors_in
from flowhand_storage.git.partial import PartialMirror
from flowhand_storage.git.refs import check_commit, check_directory, check_ref, is_full
from flowhand_storage.git.session import git_session
from flowhand_storage.git.submodules import Submodule, submodules_of
from flowhand_storage.trees import empty_tree

_TIMEOUT = 1800.0


class GitSource:
    """A repository at a branch, a tag, or a commit (none of them: its default branch). The revision is the commit's id."""

    def __init__(
        self,
        url: str,
        *,
        ref: str | None = None,
        commit: str | None = None,
        submodules: bool = False,
        directories: Sequence[str] = (),
        credentials: Any = None,
        environ: Mapping[str, str] = os.environ,
        timeout: float = _TIMEOUT,
    ) -> None:
        """`ref` is a branch or tag, `directories` the folders wanted, `credentials` as of `credentials_for`, `timeout` seconds a command.

        Nothing is asked of anybody. InvalidSource for what can never work.
        """
        if ref is not None and commit is not None:
            raise InvalidSource("a branch and a commit cannot both be asked for; give one")
        self.address, in_url = parse_address(url)
        self._credentials = credentials_for(self.address, credentials, in_url)
        self._ref = None if ref is None else check_ref(ref)
        self._commit = None if commit is None else check_commit(commit)
        self._submodules = submodules
        self._directories = sorted({check_directory(name) for name in directories})
        self._environ = environ
        self._timeout = timeout
        self._found_at: dict[str, str] = {}

    def shown(self, credentials: Any) -> GitSource:
        """The same source, asked with other credentials."""
        other = copy(self)
        other._credentials = credentials_for(self.address, credentials)  # noqa: SLF001 - it is one of us
        return other

    @property
    def label(self) -> str:
        return self.address.name

    @property
    def identity(self) -> str:
        return "\n".join(["git", self.address.url, f"submodules={self._submodules}", *self._directories])

    def revision(self, cache: Path) -> str:
        """A whole commit id is its own revision: nobody is asked."""
        if self._commit is not None and is_full(self._commit):
            return self._commit
        with self._session(cache) as git:
            if self._commit is not None:
                return self._whole(cache, git).complete(self._commit)
            sha, name = find_tip(git, self.address, self._ref, mirrors_in(cache))
            self._found_at[sha] = name
            return sha

    def fetch(self, revision: str, folder: Path, cache: Path) -> None:
        with self._session(cache) as git:
            try:
                self._lay_out(git, revision, folder, cache)
                modules = list(submodules_of(git, self.address, folder)) if self._submodules else []
            except GitFailed as failure:
                raise explain(failure, self.address) from None
        for module in modules:
            self._inner(module).fetch(module.sha, folder / module.path, cache)

    def _lay_out(self, git: Git, sha: str, folder: Path, cache: Path) -> None:
        mirror, ref = self._mirror(cache, git, sha), self._found_at.get(sha)
        try:
            with mirror.holding(sha, ref):
                lay_out(git, self.address, mirror.folder, sha, folder, self._directories)
        except GitFailed as failure:
            if not is_local(failure):
                raise
            mirror.repair(sha, ref)
            empty_tree(folder)
            with mirror.holding(sha, ref):
                lay_out(git, self.address, mirror.folder, sha, folder, self._directories)

    def _inner(self, module: Submodule) -> GitSource:
        """The submodule as a source of its own, shown our credentials only when it is at the same origin."""
        address, _ = parse_address(module.url)
        if address.scheme == "file" != self.address.scheme:
            raise InvalidSource(f"{self.address.url}: the submodule {module.path!a} is a folder of this machine; that is not allowed")
        ours = self._credentials if address.origin == self.address.origin else None
        return GitSource(module.url, commit=module.sha, submodules=True, credentials=ours, environ=self._environ, timeout=self._timeout)

    def _mirror(self, cache: Path, git: Git, sha: str) -> Mirror:
        """Where `sha` is or is to be kept: for the folders wanted alone, unless all of it is here or costs no network."""
        whole = self._whole(cache, git)
        if not self._directories or self.address.scheme == "file" or whole.has(sha):
            return whole
        return PartialMirror(cache, self.address, git, self._directories, wait=self._timeout)

    def _whole(self, cache: Path, git: Git) -> Mirror:
        return Mirror(cache, self.address, git, wait=self._timeout)

    @contextmanager
    def _session(self, cache: Path) -> Generator[Git]:
        with git_session(self.address, self._credentials, mirrors_in(cache), environ=self._environ, timeout=self._timeout) as git:
            yield git
