"""Names of branches, tags and commits. The rules are git-check-ref-format(1)'s, so that nothing else reaches an argument list."""

from __future__ import annotations

import re

from flowhand_storage.errors import InvalidSource
from flowhand_storage.paths import is_text

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)")
_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = re.compile(r"[0-9a-f]{7,64}")
_LONGEST = 250


def check_ref(name: str) -> str:
    """`name` as it is when it can name a branch or tag. InvalidSource otherwise."""
    bad_edge = name.startswith(("-", "/", ".")) or name.endswith(("/", "."))
    if not name or name == "@" or bad_edge or len(name) > _LONGEST or _FORBIDDEN.search(name) or not is_text(name):
        raise InvalidSource(f"{name[:80]!a} is no name of a branch or tag")
    return name


def check_commit(sha: str) -> str:
    """`sha` in lower case when it is a commit's id, at least seven digits of it. InvalidSource otherwise."""
    if not _SHORT.fullmatch(sha.lower()):
        raise InvalidSource(f"{sha[:80]!a} is no commit id (7 to 64 hexadecimal digits)")
    return sha.lower()


def check_directory(name: str) -> str:
    """`name` as it is, less slashes at its end, when it is a folder inside a repository. InvalidSource otherwise."""
    trimmed = name.rstrip("/")
    parts = trimmed.split("/")
    if not trimmed or name.startswith(("/", '"', "-", "!", "#")) or not set(parts).isdisjoint({"", ".", "..", ".git"}):
        raise InvalidSource(f"{name[:80]!a} is no folder inside a repository")
    if re.search(r"[\x00-\x1f\x7f*?\[\]\\]", trimmed) or not is_text(trimmed):
        raise InvalidSource(f"{name[:80]!a} is no plain folder name; patterns are not possible")
    return trimmed


def is_full(sha: str) -> bool:
    """Whether `sha` is a whole commit id."""
    return _FULL.fullmatch(sha) is not None


def object_format(sha: str) -> str:
    """The hash that a repository with this whole commit id is built on."""
    return "sha256" if len(sha) == 64 else "sha1"
