"""Laying out a commit's files: a repository of its own that borrows the mirror's objects, so that git works inside a checkout, too.

It holds nothing that names its own place, so the folder can be moved; and the mirror knows nothing of it, so it can be removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from flowhand_storage.git.address import Address
from flowhand_storage.git.command import Git
from flowhand_storage.git.refs import object_format

# What `git init` writes, and where the code came from, for people and tools that ask (gitrepository-layout(5)). Written by us because
# starting git twice for it takes longer than anything else here but the checkout itself.
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
[remote "origin"]
\turl = "{url}"
"""
# Version 1 is for repositories with extensions, of which this is the only one needed here.
_CONFIG_SHA256 = _CONFIG.replace("version = 0", "version = 1") + "[extensions]\n\tobjectformat = sha256\n"


def lay_out(git: Git, address: Address, mirror: Path, sha: str, folder: Path, directories: Sequence[str]) -> None:
    """Fill `folder` with the files of `sha`, which `mirror` has; only the files at the top and in `directories`, when there are any.

    GitFailed; MissingTool.
    """
    own = folder / ".git"
    (own / "objects" / "info").mkdir(parents=True)
    (own / "refs").mkdir()
    (own / "HEAD").write_text(f"{sha}\n")
    config = _CONFIG_SHA256 if object_format(sha) == "sha256" else _CONFIG
    (own / "config").write_text(config.format(url=address.url.replace("\\", "\\\\").replace('"', '\\"')))
    (own / "objects" / "info" / "alternates").write_text(f"{mirror / 'objects'}\n")
    if (mirror / "shallow").exists():
        shutil.copyfile(mirror / "shallow", own / "shallow")
    if directories:
        git.run("sparse-checkout", "set", "--cone", "--stdin", folder=folder, text="".join(f"{name}\n" for name in directories))
    git.run("checkout", "--quiet", "--detach", sha, folder=folder)
