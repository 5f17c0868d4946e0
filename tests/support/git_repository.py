"""A git repository for tests: bare, with a work tree beside it, so that it can be served and committed to."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.storage_files import Files, write_files

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_ALLOW_PROTOCOL": "file",
}


class Repository:
    """`<folder>/<name>.git`, its branch `main` checked out in `<folder>/<name>`. `options` go to `git init`."""

    def __init__(self, folder: Path, name: str = "code", *options: str) -> None:
        self.bare = folder / f"{name}.git"
        self.tree = folder / name
        self.tree.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", *options, self.bare], check=True, env=_ENVIRONMENT)

    def git(self, *arguments: str | Path) -> str:
        """Run git here; what it prints."""
        command = ["git", f"--git-dir={self.bare}", f"--work-tree={self.tree}", *arguments]
        done = subprocess.run(command, cwd=self.tree, env=_ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, files: Files, *, branch: str | None = None) -> str:
        """Make the files of a commit just these, on `branch` (made from where we are when new); the commit's id."""
        if branch is not None:
            self.git("checkout", "-q", "-B", branch)
        write_files(self.tree, files)
        self.git("add", "--all", ".")
        self.git("commit", "-q", "--allow-empty", "-m", "Change")
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def add_submodule(self, path: str, url: str, sha: str) -> str:
        """Commit a submodule as others would see it: an entry in .gitmodules and a link to a commit."""
        self.git("config", "--file", ".gitmodules", f"submodule.{path}.path", path)
        self.git("config", "--file", ".gitmodules", f"submodule.{path}.url", url)
        self.git("add", ".gitmodules")
        self.git("update-index", "--add", "--cacheinfo", f"160000,{sha},{path}")
        self.git("commit", "-q", "-m", "Add a submodule")
        return self.head
