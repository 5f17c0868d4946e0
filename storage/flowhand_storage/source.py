"""The port: a source is anything that code can be fetched from.

Kinds: `local.LocalSource`, `git.GitSource`, `remote.RemoteSource`, `blocks.BlockSource`. tests/contract/test_storage_source.py says what
each of them must do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Source(Protocol):
    """Where code comes from. Plain blocking calls; safe to use from several processes and threads at once.

    Every error is one of `flowhand_storage.errors` and names the source without its credentials.
    """

    @property
    def label(self) -> str:
        """A short name that people recognise; need not be unique."""
        ...

    @property
    def identity(self) -> str:
        """What is fetched, without credentials: the same identity and revision always give the same files."""
        ...

    def revision(self, cache: Path) -> str:
        """Which revision is current; asks the source unless it is pinned. `cache` is as in `fetch`.

        SourceUnavailable when there is no answer, AccessDenied, SourceNotFound, RevisionNotFound.
        """
        ...

    def fetch(self, revision: str, folder: Path, cache: Path) -> None:
        """Fill `folder`, which is empty, with the files of `revision`.

        `cache` is a folder in which the source may keep what makes the next fetch cheaper; it may be emptied between any two calls.
        Half a folder may be left behind by an error. The errors of `revision`, FetchFailed and UnsafePath.
        """
        ...
