"""Names from outside, made into paths that stay inside."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath

from flowhand_storage.errors import InvalidSource, UnsafePath

_LABEL_REST = re.compile(r"[^A-Za-z0-9_]+")
_LONGEST_LABEL = 40


def inside(folder: Path, name: str) -> Path:
    """`name` (with `/` between its parts) below `folder`. UnsafePath when it does not stay there.

    Only the text is looked at: a caller that unpacks into `folder` must also make no links there.
    """
    if not is_inside(name):
        raise UnsafePath(f"{_shown(name)} does not name a file inside its folder")
    return folder.joinpath(*PurePosixPath(name).parts)


def is_inside(name: str) -> bool:
    """Whether `name` names a file in a folder: not empty, absolute or upward, without control characters, and text that can be a name."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or any(ord(c) < 32 for c in name):
        return False
    return is_text(name)


def is_text(name: str) -> bool:
    """Whether `name` can be encoded: half of a surrogate pair cannot, and would fail wherever it is handed on."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def local_path(text: str | Path) -> Path:
    """A path of this machine as a user writes it, absolute. InvalidSource for what is none."""
    failure = InvalidSource(f"{_shown(str(text))} is no path of this machine")
    if "\0" in str(text) or not is_text(str(text)):
        raise failure
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:  # no such user
        raise failure from None


def label(text: str) -> str:
    """`text` as a short part of a file name, for people to recognise; not unique."""
    return _LABEL_REST.sub("-", text).strip("-")[-_LONGEST_LABEL:].lower() or "code"


def digest(*parts: str) -> str:
    """24 hex digits that stand for these texts, in this order."""
    hashed = hashlib.blake2b(digest_size=12)
    for part in parts:
        data = part.encode(errors="surrogatepass")
        hashed.update(len(data).to_bytes(8, "big") + data)
    return hashed.hexdigest()


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 120 else name[:117] + "...")
