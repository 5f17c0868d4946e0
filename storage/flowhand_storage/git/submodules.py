"""Submodules, fetched as repositories of their own: mirrored, cached and checked like any other (gitmodules(5))."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flowhand_storage.errors import InvalidSource, UnsafePath
from flowhand_storage.git.address import Address
from flowhand_storage.git.command import Git
from flowhand_storage.paths import inside

_KEY = re.compile(r"submodule\.(?P<name>.*)\.(?P<what>path|url)", re.DOTALL)
_GITLINK = "160000"


@dataclass(frozen=True, slots=True)
class Submodule:
    """A repository inside another: where it goes, where it comes from, and at which commit."""

    path: str
    url: str
    sha: str


def submodules_of(git: Git, address: Address, checkout: Path) -> Iterator[Submodule]:
    """The submodules of a checkout that it wants laid out; those outside of its sparse folders are left out.

    InvalidSource for one that `.gitmodules` does not describe; UnsafePath for one that would lie elsewhere.
    """
    links = _links(git, checkout)
    if not links:
        return
    urls = _urls(git, checkout)
    for path, sha in links.items():
        if not inside(checkout, path).is_dir():
            continue
        if not inside(checkout, path).resolve().is_relative_to(checkout.resolve()):
            raise UnsafePath(f"{address.url}: the submodule {path!a} leads out of its repository")
        if path not in urls:
            raise InvalidSource(f"{address.url}: .gitmodules has no address for the submodule {path!a}")
        yield Submodule(path, absolute_url(address, urls[path]), sha)


def _links(git: Git, checkout: Path) -> dict[str, str]:
    """Commit ids by path."""
    found: dict[str, str] = {}
    for entry in git.run("ls-files", "--stage", "-z", folder=checkout).split("\0"):
        state, _, path = entry.partition("\t")
        if state.startswith(_GITLINK):
            found[path] = state.split(" ")[1]
    return found


def _urls(git: Git, checkout: Path) -> dict[str, str]:
    """Addresses by path."""
    if not (checkout / ".gitmodules").is_file():
        return {}
    listed = git.run("config", "--file", ".gitmodules", "--null", "--list", folder=checkout)
    described: dict[str, dict[str, str]] = {}
    for entry in listed.split("\0"):
        key, _, value = entry.partition("\n")
        if match := _KEY.fullmatch(key):
            described.setdefault(match["name"], {})[match["what"]] = value
    return {one["path"]: one["url"] for one in described.values() if "path" in one and "url" in one}


def absolute_url(parent: Address, url: str) -> str:
    """An address that begins with ./ or ../ counts from that of the repository that it stands in (git-submodule(1), add)."""
    if not url.startswith(("./", "../")):
        return url
    cut = len(parent.origin) if parent.url.startswith(parent.origin) and parent.origin else parent.url.find(":") + 1
    if "://" in parent.url and parent.scheme == "ssh":
        cut = parent.url.index("/", len("ssh://"))
    start, path = parent.url[:cut], parent.url[cut:]
    return start + posixpath.normpath(posixpath.join(path, url))
