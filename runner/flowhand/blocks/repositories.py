"""Storage blocks over git repositories: they give out code and take none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from flowhand.blocks.credentials import BitBucketCredentials, GitLabCredentials
from flowhand.blocks.storage import CodeBlock
from flowhand_storage.checkouts import CheckoutStore, default_root
from flowhand_storage.dual import dual
from flowhand_storage.git.source import GitSource
from flowhand_storage.paths import inside
from flowhand_storage.transfer import copy_tree


class Repository(CodeBlock, ABC):
    """A git repository at a branch or tag."""

    repository: str = Field(description="The repository's address, over https or ssh.")
    reference: str | None = Field(default=None, description="A branch or tag; the default branch unless given.")

    @abstractmethod
    def shown_to_host(self) -> Any:
        """The credentials: a mapping, a block or a secret; None for none."""

    @dual
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """See `CodeBlock.get_directory`."""
        with CheckoutStore(default_root()).checkout(
            GitSource(self.repository, ref=self.reference, credentials=self.shown_to_host())
        ) as code:
            copy_tree(inside(code.path, from_path) if from_path else code.path, Path(local_path or ".").resolve())


class GitHub(Repository):
    """A repository of GitHub."""

    access_token: SecretStr | None = Field(default=None, description="A token, for a private repository.")
    include_git_objects: bool = Field(default=True, description="Accepted and without effect: the files come without git's own.")

    def shown_to_host(self) -> Any:
        """Its token."""
        return self.access_token


class GitLab(Repository):
    """A repository of GitLab."""

    _block_type_name = "GitLab Repository"

    git_depth: int | None = Field(default=1, description="Accepted and without effect: one commit is fetched.")
    credentials: GitLabCredentials | None = Field(default=None, description="For a private repository.")

    def shown_to_host(self) -> Any:
        """Its credentials block."""
        return self.credentials


class BitBucket(Repository):
    """A repository of Bitbucket."""

    _block_type_name = "BitBucket Repository"

    bitbucket_credentials: BitBucketCredentials | None = Field(default=None, description="For a private repository.")

    def shown_to_host(self) -> Any:
        """Its credentials block."""
        return self.bitbucket_credentials
