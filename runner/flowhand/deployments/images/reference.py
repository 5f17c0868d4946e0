"""Names of images: `registry:port/name:tag`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SLUGGED = re.compile(r"[^a-z0-9]+")


def split_reference(reference: str) -> tuple[str, str | None]:
    """Name and tag; a registry's port is no tag. ValueError for an empty name, and for a digest, which names what was built before."""
    if "@" in reference:
        raise ValueError(f"image {reference!r} is named by its digest, so it was built before; deploy it with build=False")
    name, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        name, tag = reference, ""
    if not name:
        raise ValueError(f"image {reference!r} has no name; write name:tag, or registry/name:tag")
    return name, tag or None


def tag_of_now() -> str:
    """A tag that no other build has: the time in UTC, such as `2026-01-31t09-00-00-123456-00-00`."""
    return _SLUGGED.sub("-", datetime.now(UTC).isoformat(timespec="microseconds").lower())
