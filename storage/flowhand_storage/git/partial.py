"""A mirror for sparse checkouts: of each commit all folders, but of the files only those wanted (git-clone(1), --filter; git 2.29).

It stands beside the mirror of the whole repository, one for each choice of folders, so that neither ever lacks a file that it is marked to
have. A server that gives out no parts sends everything, here as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from flowhand_storage.errors import RevisionNotFound
from flowhand_storage.git.address import Address
from flowhand_storage.git.command import Git, GitFailed
from flowhand_storage.git.failures import meaning
from flowhand_storage.git.mirror import Mirror
from flowhand_storage.git.refs import object_format
from flowhand_storage.trees import remove_tree

_NO_FILES = ("--filter=blob:none",)


class PartialMirror(Mirror):
    """The mirror of one address for checkouts of `directories`. Else like `Mirror`, also in what it promises of a marked commit."""

    def __init__(self, cache: Path, address: Address, git: Git, directories: Sequence[str], *, wait: float) -> None:
        super().__init__(cache, address, git, wait=wait, part="\n".join(directories))
        self._directories = directories
        self._filter = _NO_FILES

    def _fetch(self, sha: str, ref: str | None) -> None:
        self._make(object_format(sha))
        if self.has(sha):
            return
        try:
            self._fetch_shallow(sha)
            self._fetch_files(sha)
        except GitFailed as failure:
            if meaning(failure)[0] is not RevisionNotFound:
                raise
            # A server that gives nothing out by its id but the tips of its refs: then all that belongs to the commit, as for anybody.
            remove_tree(self.folder)
            self._filter = ()
            super()._fetch(sha, ref)
        else:
            self._mark(sha)

    def _fetch_files(self, sha: str) -> None:
        """Fetch at once what of the wanted files is not here yet."""
        wanted = files_below(self._git.run("ls-tree", "-r", "-z", sha, folder=self.folder), self._directories)
        here = self._git.run("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", folder=self.folder)
        missing = wanted.difference(here.split())
        if missing:
            text = "".join(f"{name}\n" for name in sorted(missing))
            options = ("--quiet", "--no-tags", "--no-write-fetch-head", *_NO_FILES, "--stdin")
            self._git.run("fetch", *options, "--", self._address.url, folder=self.folder, text=text)


def files_below(listing: str, directories: Sequence[str]) -> set[str]:
    """Of a recursive `git ls-tree -z`, the ids of the files that a checkout of these folders has (git-sparse-checkout(1), cone mode):
    what is in them, and what lies directly in the folders above them, up to the top.
    """
    tops = tuple(f"{name}/" for name in directories)
    above = {str(parent) for name in directories for parent in PurePosixPath(name).parents}
    found: set[str] = set()
    for entry in listing.split("\0"):
        about, _, path = entry.partition("\t")
        kind, _, name = about.partition(" ")[2].partition(" ")
        if kind == "blob" and (path.startswith(tops) or (path.rpartition("/")[0] or ".") in above):
            found.add(name)
    return found
