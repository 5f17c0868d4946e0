"""Laying out a commit's files: a repository of its own that borrows the mirror's objects, so that git works inside a checkout, too.

It holds nothing that names its own place, so the folder can be moved; and the mirror knows nothing of it, so it can be removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from flowhand_storage.git.address import Address
from flowhand_storage.git.command import Git


def lay_out(git: Git, address: Address, mirror: Path, sha: str, folder: Path, directories: Sequence[str]) -> None:
    """Fill `folder` with the files of `sha`, which `mirror` has; only the files at the top and in `directories`, when there are any.

    GitFailed; MissingTool.
    """
    git.run("init", "--quiet", "--template=", folder=folder)
    own = folder / ".git"
    (own / "objects/info").mkdir(exist_ok=True)
    (own / "objects/info/alternates").write_text(f"{mirror / 'objects'}\n")
    if (mirror / "shallow").exists():
        shutil.copyfile(mirror / "shallow", own / "shallow")
    # For people and tools that ask where the code came from.
    git.run("config", "remote.origin.url", address.url, folder=folder)
    if directories:
        git.run("sparse-checkout", "set", "--cone", "--stdin", folder=folder, text="".join(f"{name}\n" for name in directories))
    git.run("checkout", "--quiet", "--detach", sha, folder=folder)
