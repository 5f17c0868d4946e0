"""What git meant. It exits with 128 for everything, so its words (in the C locale) tell a wrong password from a missing branch."""

from __future__ import annotations

import re

from flowhand_storage.errors import (
    AccessDenied,
    FetchFailed,
    InvalidSource,
    RevisionNotFound,
    SourceNotFound,
    SourceUnavailable,
    StorageError,
)
from flowhand_storage.git.address import Address
from flowhand_storage.git.command import GitFailed
from flowhand_storage.scrub import Redactor

# The first that matches counts. A remote's "not found" comes before the general "unable to access".
_MEANINGS: list[tuple[type[StorageError], re.Pattern[str], str]] = [
    (InvalidSource, re.compile(r"transport '.*' not allowed"), "use another address"),
    (
        RevisionNotFound,
        re.compile(r"couldn't find remote ref|not our ref|unadvertised object|no such remote ref"),
        "it may have been deleted; check the branch, tag or commit",
    ),
    # git's own protocol says nothing more, and has no credentials
    (SourceNotFound, re.compile(r"repository not exported"), "check the address, and that the repository is for everybody"),
    (
        AccessDenied,
        re.compile(
            r"authentication failed|could not read (username|password)|terminal prompts disabled|permission denied \(|access denied"
            r"|error: 40[13]|invalid credentials|host key verification failed|unable to update url base|dubious ownership",
        ),
        "check the credentials",
    ),
    (
        SourceNotFound,
        re.compile(
            r"repository .* (not found|does not exist)|repository not found|does not appear to be a git repo|error: 404|no such file"
        ),
        "check the address, and that the credentials may see it",
    ),
    (
        SourceUnavailable,
        re.compile(
            r"could not resolve|connection (refused|reset|timed out|closed)|failed to connect|couldn't connect|timed out"
            r"|network is unreachable|no route to host|early eof|hung up|rpc failed|error: 5\d\d|error: 429|operation too slow"
            r"|unable to connect|transfer closed|ssl|gnutls|certificate|unable to access",
        ),
        "try again later",
    ),
]
_NOISE = re.compile(
    r"warning|hint|remote: (counting|compressing|total)|fatal: could not read from remote repository|please make sure"
    r"|and the repository exists",
    re.IGNORECASE,
)


def explain(failure: GitFailed, address: Address) -> StorageError:
    """The package's error for `failure`, naming `address`."""
    if failure.timed_out:
        return SourceUnavailable(f"{address.url}: {failure.words}")
    kind, advice = meaning(failure)
    return kind(f"{address.url}: {_one_line(failure.words)}; {advice}" if advice else f"{address.url}: {_one_line(failure.words)}")


def meaning(failure: GitFailed) -> tuple[type[StorageError], str]:
    """Which error git's words stand for, and what to do about it. FetchFailed when the trouble is on this side."""
    words = failure.words.lower()
    if "fatal: not a git repository" in words:
        return FetchFailed, ""
    for kind, pattern, advice in _MEANINGS:
        if pattern.search(words):
            return kind, advice
    return FetchFailed, ""


def is_local(failure: GitFailed) -> bool:
    """Whether the trouble is on this side, so that a mirror made anew may mend it."""
    return not failure.timed_out and meaning(failure)[0] is FetchFailed and "no space left" not in failure.words.lower()


def gives_tips_only(failure: GitFailed) -> bool:
    """Whether the server gives out nothing by its id but the tips of its refs (git-config(1), uploadpack.allowReachableSHA1InWant)."""
    return "unadvertised object" in failure.words.lower()


def no_such_ref(address: Address, ref: str, scrub: Redactor) -> RevisionNotFound:
    """The error for a branch, tag or commit that `address` does not have."""
    return RevisionNotFound(scrub(f"{address.url} has no branch, tag or commit {ref}; it may have been deleted"))


def _one_line(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    telling = [line for line in lines if not _NOISE.match(line)] or lines
    fatal = [line for line in telling if line.startswith(("fatal:", "error:", "remote:"))] or telling
    return "; ".join(line.partition(": ")[2] if line.startswith(("fatal: ", "error: ")) else line for line in fatal[-3:])[:500]
