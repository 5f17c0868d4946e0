"""Opening fsspec's file systems, and listing what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from flowhand_storage.errors import InvalidSource, SourceNotFound, UnsafePath
from flowhand_storage.guard import guarded
from flowhand_storage.paths import is_inside
from flowhand_storage.remote.address import RemoteAddress

_EXTRAS = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure", "adl": "azure",
    "sftp": "sftp", "ssh": "sftp", "smb": "smb", "http": "http", "https": "http",
}  # fmt: skip
# What back ends call the mark that changes with a file's content, the best first.
_FINGERPRINTS = (
    "ETag", "etag", "e_tag", "md5Hash", "md5", "content_md5", "Content-MD5", "checksum", "sha256", "crc32c", "generation", "VersionId",
    "Last-Modified", "LastModified", "last_modified", "updated", "mtime", "modified", "modify", "created",
)  # fmt: skip
_ASKING_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """A remote file: its name below the root, where it is, its bytes if known, and a mark that changes with it, if there is one."""

    name: str
    path: str
    size: int | None
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class RemoteTree:
    """An opened file system and the path in it that is meant."""

    filesystem: Any
    root: str
    address: RemoteAddress

    def list_files(self) -> list[Entry]:
        """Every file below the root, sorted by name; the root itself when it is a file. SourceNotFound when there is none; UnsafePath."""
        return guarded(self.address.shown, self.address.scrub, self._list_files)

    def _list_files(self) -> list[Entry]:
        self.filesystem.invalidate_cache()
        found: Mapping[str, Mapping[str, Any]] = self.filesystem.find(self.root, detail=True, **_strictly(self.filesystem))
        listed = [(self._name(path), path, about) for path, about in found.items() if about.get("type", "file") != "directory"]
        wanted = [(name, path, about) for name, path, about in listed if name and not name.endswith("/")]
        if not wanted:
            self.filesystem.info(self.root)
            raise SourceNotFound(f"{self.address.shown} holds no files; check the address, and that the credentials may list it")
        for name, _, _ in wanted:
            if not is_inside(name):
                raise UnsafePath(f"{self.address.shown} has a file that does not belong into its folder: {name!a}")
        with ThreadPoolExecutor(_ASKING_AT_ONCE) as asking:
            return sorted(asking.map(self._entry, wanted), key=lambda entry: entry.name)

    def _name(self, path: str) -> str:
        root = self.root.rstrip("/")
        if path.rstrip("/") == root:
            return path.rstrip("/").rpartition("/")[2]
        name = path.removeprefix(root + "/")
        if self.address.scheme not in ("http", "https"):
            return name
        # A web server's listing may hold links to itself in another order (?C=N), which are no files.
        return "" if "?" in name or "#" in name else unquote(name)

    def _entry(self, listed: tuple[str, str, Mapping[str, Any]]) -> Entry:
        name, path, about = listed
        mark = fingerprint_of(about)
        if mark is None:
            about = self.filesystem.info(path)
            mark = fingerprint_of(about)
        size = about.get("size")
        return Entry(name, path, size if isinstance(size, int) else None, mark)


def _strictly(filesystem: Any) -> dict[str, Any]:
    """What makes `find` raise where a folder cannot be listed. By itself fsspec's walk leaves it out, and the tree would be a smaller one.

    Back ends with a listing of their own (object stores) raise anyway, and know no such option.
    """
    own = [kind for kind in type(filesystem).__mro__ if kind.__module__ not in ("fsspec.spec", "fsspec.asyn")]
    lists_by_itself = any({"find", "_find"} & vars(kind).keys() for kind in own)
    return {} if lists_by_itself else {"on_error": "raise"}


def open_tree(address: RemoteAddress) -> RemoteTree:
    """The file system of an address. InvalidSource when fsspec knows none; MissingTool when its package is not installed."""

    def connect() -> RemoteTree:
        # fsspec and its back ends are slow to import, and a run whose code is in git or in a folder needs none of them.
        from fsspec.core import url_to_fs
        from fsspec.registry import available_protocols

        for scheme in address.scheme.split("::"):
            if scheme not in available_protocols():
                raise InvalidSource(f"{address.shown}: there is no file system for {scheme}://")
        try:
            filesystem, root = url_to_fs(address.url, skip_instance_cache=True, **address.options)
        except ImportError as error:
            extra = _EXTRAS.get(address.scheme)
            raise ImportError(f'install it with: pip install "flowhand[{extra}]"' if extra else str(error)) from None
        return RemoteTree(filesystem, str(root), address)

    return guarded(address.shown, address.scrub, connect)


def fingerprint_of(about: Mapping[str, Any]) -> str | None:
    """The mark among a file's properties that changes when its content does."""
    for name in _FINGERPRINTS:
        if about.get(name):
            return f"{name}={about[name]}"
    return None
