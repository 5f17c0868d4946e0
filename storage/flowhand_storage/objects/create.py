"""From whatever names a source of code to the storage object for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flowhand_storage.errors import InvalidSource
from flowhand_storage.objects.block_adapter import BlockStorageAdapter
from flowhand_storage.objects.git_repository import GitRepository
from flowhand_storage.objects.local_storage import LocalStorage
from flowhand_storage.objects.remote_storage import RemoteStorage
from flowhand_storage.scrub import without_userinfo

_GIT_HOSTS = re.compile(r"(www\.)?(github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)")
_GIT_SCHEMES = ("git", "ssh", "git+https", "git+http", "git+ssh", "git+file")
_SCP = re.compile(r"[^/:@\s]+@[^/:\s]+:[^:].*")


def create_storage_from_source(source: Any, pull_interval: int | None = 60) -> Any:
    """The storage for a URL, a path, a storage block or a storage object (which is returned as it is). Nothing is fetched.

    A URL is git's when its scheme, its `.git` at the end or its host says so, else fsspec's; what has no scheme is a folder.
    `pull_interval` is in seconds, for what is pulled. InvalidSource (a ValueError) for anything else.
    """
    if isinstance(source, Path):
        return LocalStorage(source)
    if isinstance(source, str):
        return _from_text(source, pull_interval)
    if all(hasattr(source, name) for name in ("pull_code", "to_pull_step", "destination")):
        return source
    if callable(getattr(source, "get_directory", None)):
        return BlockStorageAdapter(source, pull_interval=pull_interval)
    raise InvalidSource(f"a {type(source).__name__} is no source of code; give a URL, a path, a storage object or a storage block")


def _from_text(source: str, pull_interval: int | None) -> Any:
    if _SCP.fullmatch(source):
        return GitRepository(url=source, pull_interval=pull_interval)
    if "://" not in source:
        if not source or "::" in source:
            raise InvalidSource(f"Unsupported source URL: {source!a}")
        return LocalStorage(source)
    try:
        parts = urlsplit(source)
        host = parts.hostname or ""
    except ValueError:
        raise InvalidSource(f"Unsupported source URL: {without_userinfo(source)!a}") from None
    is_repository_page = bool(_GIT_HOSTS.fullmatch(host)) and len(parts.path.strip("/").split("/")) == 2
    if parts.scheme in _GIT_SCHEMES or parts.path.endswith(".git") or (parts.scheme == "https" and is_repository_page):
        return GitRepository(url=source, pull_interval=pull_interval)
    if parts.scheme in ("file", "local"):
        return LocalStorage(unquote(parts.path))
    return RemoteStorage(url=source, pull_interval=pull_interval)
