"""Addresses of remote files: what is a credential in them, and what they say about archives.

`zip://inner/folder::https://host/code.zip` is fsspec's way to say: that folder of that archive. An address that ends like an archive is
one as a whole.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from flowhand_storage.errors import InvalidSource
from flowhand_storage.paths import digest
from flowhand_storage.remote.options import secret_texts, without_secrets
from flowhand_storage.scrub import Scrubber, is_sensitive, without_userinfo
from flowhand_storage.secrets import reveal_all

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_ARCHIVES = frozenset({"zip", "tar"})
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(::[a-z][a-z0-9+.-]*)*")
_LOGIN_AS_OPTIONS = frozenset({"sftp", "ssh", "ftp", "smb", "webdav"})
_LOGIN_AS_HEADER = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True, repr=False)
class RemoteAddress:
    """`url` and `options` are what fsspec is given; `shown` is the address for people, without credentials and query.

    `folder` is None unless this is an archive: then the folder in it that is wanted, empty for all of it. `identity` is all that decides
    which files are meant, and holds no credential. `whole` is the address as it came, less user and password; `signed` tells that its
    query holds a secret.
    """

    url: str
    scheme: str
    options: Mapping[str, Any]
    shown: str
    folder: str | None
    identity: str
    whole: str
    signed: bool
    scrub: Scrubber


def parse_remote(url: str, settings: Mapping[str, Any]) -> RemoteAddress:
    """Read an address and its fsspec settings (secrets may be blocks). InvalidSource quotes it without credentials."""
    scrub = Scrubber(secret_texts(settings))
    plain, folder = _split_archive(url)
    parts = _split(plain)
    query = [pair.partition("=") for pair in parts.query.split("&")]
    scrub.add(parts.query, *(value for _, _, value in query))
    options = dict(reveal_all(settings))
    used = plain
    if parts.scheme in _LOGIN_AS_OPTIONS | _LOGIN_AS_HEADER and "@" in parts.netloc:
        used, options = _take_login(plain, parts, options, scrub)
    shown = _shown(used)
    identity = json.dumps([shown, digest(parts.query), folder, without_secrets(settings)], sort_keys=True, default=repr)
    signed = any(is_sensitive(name) for name, _, _ in query)
    return RemoteAddress(used, parts.scheme, options, shown, folder, identity, url.replace(plain, used), signed, scrub)


def _split_archive(url: str) -> tuple[str, str | None]:
    """The address of the file or folder itself, and the folder that is wanted when it is an archive."""
    first, chained, rest = url.partition("::")
    scheme, _, path = first.partition("://")
    if scheme in _ARCHIVES:
        return (rest, path.strip("/")) if chained else ("file://" + path, "")
    is_archive = not chained and _shown(url).lower().endswith(ARCHIVE_SUFFIXES)
    return url, "" if is_archive else None


def _split(url: str) -> SplitResult:
    scheme, found, rest = url.partition("://")
    if not found or not rest or not _SCHEME.fullmatch(scheme) or any(ord(c) < 32 or ord(c) == 127 for c in url):
        raise _invalid(url, "is no address such as s3://bucket/folder or https://host/code.zip")
    try:
        parts = urlsplit("//" + rest)._replace(scheme=scheme)
        _ = parts.port
        url.encode()
    except ValueError:
        raise _invalid(url, "is no valid address") from None
    if parts.scheme in _LOGIN_AS_OPTIONS | _LOGIN_AS_HEADER and not parts.hostname:
        raise _invalid(url, "names no host")
    if _is_doubtful(parts):
        raise _invalid(url, "has no valid user and password; percent-encode @, / and : in them")
    return parts


def _is_doubtful(parts: SplitResult) -> bool:
    """Whether a password may have ended up elsewhere, because it holds one of the characters that divide an address."""
    if parts.scheme not in _LOGIN_AS_OPTIONS | _LOGIN_AS_HEADER:
        return bool(parts.password)
    after = parts.path + parts.query + parts.fragment
    return "@" in after and ("@" in parts.netloc or ":" in parts.netloc + after.rpartition("@")[0])


def _take_login(url: str, parts: SplitResult, options: dict[str, Any], scrub: Scrubber) -> tuple[str, dict[str, Any]]:
    """Move user and password from the address to where the file system takes them from without showing them."""
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    scrub.add(password, f"{username}:{password}")
    bare = url.replace(parts.netloc, parts.netloc.rpartition("@")[2], 1)
    if parts.scheme in _LOGIN_AS_OPTIONS:
        login = {"username": username} | ({"password": password} if password else {})
        return bare, login | options
    basic = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    scrub.add(basic)
    client: dict[str, Any] = dict(options.get("client_kwargs") or {})
    client["headers"] = {"Authorization": basic} | dict(client.get("headers") or {})
    return bare, options | {"client_kwargs": client}


def _shown(url: str) -> str:
    """`url` without its query: that may hold a signature."""
    return re.sub(r"[?#].*", "", url, flags=re.DOTALL)


def _invalid(url: str, why: str) -> InvalidSource:
    shown = _shown(without_userinfo(url))
    return InvalidSource(f"{shown if len(shown) <= 200 else shown[:197] + '...'!a} {why}")
