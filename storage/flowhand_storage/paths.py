"""Names from outside, made into paths that stay inside."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath

from flowhand_storage.errors import UnsafePath

_LABEL_REST = re.compile(r"[^A-Za-z0-9_]+")
_LONGEST_LABEL = 40


def inside(folder: Path, name: str) -> Path:
    """`name` (with `/` between its parts) below `folder`. UnsafePath when it is empty, absolute, upward, or not a name at all.

    Only the text is looked at: a caller that unpacks into `folder` must also make no links there.
    """
    parts = PurePosixPath(name).parts
    if not parts or "\\" in name or any(ord(c) < 32 for c in name) or PurePosixPath(name).is_absolute() or ".." in parts:
        raise UnsafePath(f"{_shown(name)} does not name a file inside its folder")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UnsafePath(f"{_shown(name)} is not valid text") from None
    return folder.joinpath(*parts)


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
