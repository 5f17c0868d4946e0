"""A git repository as a deployment's storage."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from flowhand_storage.git.address import parse_address
from flowhand_storage.git.credentials import fields_of
from flowhand_storage.git.source import GitSource
from flowhand_storage.objects.pulled import PulledStorage
from flowhand_storage.objects.references import KeepSecret, from_environment, reference_to, referenced


class GitRepository(PulledStorage):
    """A repository at a branch or tag, or at a commit; its default branch when neither is given.

    `credentials` is a mapping (`access_token`, `username`, `password`, `header`, `ssh_key` …) or a block with such fields; a text in it may
    be `{{ $NAME }}`, an environment variable of whoever fetches. `name` is the folder's name below the base path; `directories` limits the
    checkout to these folders; `pull_interval` is in seconds.
    """

    def __init__(
        self,
        url: str,
        credentials: Any = None,
        name: str | None = None,
        branch: str | None = None,
        commit_sha: str | None = None,
        include_submodules: bool = False,
        directories: Sequence[str] | None = None,
        pull_interval: int | None = 60,
    ) -> None:
        """InvalidSource (a ValueError) for what can never work: both a branch and a commit, a user name without a secret, a bad address."""
        self._address, self._login = parse_address(url)
        self._credentials = credentials
        self._branch = branch
        self._commit = commit_sha
        self._submodules = include_submodules
        self._directories = list(directories or ())
        super().__init__(name or self._default_name(), pull_interval)
        self._source = GitSource(
            url,
            ref=branch,
            commit=commit_sha,
            submodules=include_submodules,
            directories=self._directories,
            credentials=credentials,
        )

    def source(self) -> GitSource:
        """InvalidSource when the credentials name an environment variable that is not set."""
        filled = from_environment(self._credentials, os.environ)
        return self._source if filled is self._credentials else self._source.shown(filled)

    def to_pull_step(self, keep: KeepSecret | None = None) -> dict[str, Any]:
        """A `git_clone` step. `keep` stores plain credentials and answers a reference; without it, plain ones are an InvalidSource."""
        inputs: dict[str, Any] = {"repository": self._address.url, "branch": self._branch}
        if self._commit:
            inputs["commit_sha"] = self._commit
        if self._submodules:
            inputs["include_submodules"] = True
        if self._directories:
            inputs["directories"] = self._directories
        if credentials := self._credentials_in_step(keep):
            inputs["credentials"] = credentials
        return {"prefect.deployments.steps.git_clone": inputs}

    def _credentials_in_step(self, keep: KeepSecret | None) -> Any:
        given = self._credentials
        if given is None and self._login is not None:
            given = {name: text for name, text in (("username", self._login.username), ("password", self._login.password)) if text}
        if given is None or (reference := reference_to(given)) is None:
            return referenced(given if isinstance(given, Mapping | None) else fields_of(given), keep, secret=True)
        return reference

    def _default_name(self) -> str:
        parts = [self._address.name, self._branch or (self._commit or "")[:12]]
        return "-".join(part for part in parts if part).replace("/", "-")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GitRepository):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"GitRepository(name={self._name!r}, repository={self._address.url!r}, branch={self._branch!r}, commit_sha={self._commit!r})"

    def _key(self) -> tuple[str | None, ...]:
        return (self._name, self._address.url, self._branch, self._commit, str(self._submodules), *self._directories)
