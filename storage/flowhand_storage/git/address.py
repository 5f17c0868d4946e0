"""Addresses of git repositories: which are let through, and what in them is a credential.

The forms are those of gitrepository urls in git-clone(1). Helpers such as `ext::` start programs, so no `::` form is let through, and
nothing that could be read as an option, by git or by ssh.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from flowhand_storage.errors import InvalidSource
from flowhand_storage.paths import is_text, local_path
from flowhand_storage.scrub import without_userinfo

SCHEMES = frozenset({"https", "http", "ssh", "git", "file"})
_SCP = re.compile(r"(?:(?P<user>[^@:/\s]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^:/@\s\[\]]+):(?P<path>(?!:)[^\s].*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\]")
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+-]*")
_ENCODED_CONTROL = re.compile(r"%(0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """`url` is what git is given: it holds no credential. `origin` is `scheme://host[:port]`, empty for a path of this machine."""

    url: str
    scheme: str
    host: str
    origin: str

    @property
    def name(self) -> str:
        """What people call the repository: the last part of its path, without `.git`."""
        return re.split(r"[/:]", self.url.rstrip("/"))[-1].removesuffix(".git") or "repository"


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """What HTTP Basic authentication sends."""

    username: str
    password: str


def parse_address(text: str) -> tuple[Address, Login | None]:
    """The address and, when credentials stand in it, these apart. InvalidSource quotes it without them."""
    if not text or text.startswith("-") or _HELPER.match(text) or any(ord(c) < 33 or ord(c) == 127 for c in text):
        raise _invalid(text, "is no address of a git repository")
    if not is_text(text):
        raise _invalid(text, "is no text")
    text = re.sub(r"^git\+(?=(https?|ssh|file)://)", "", text)
    if "://" in text:
        return _parse_url(text)
    if (scp := _SCP.fullmatch(text)) and not text.startswith(("/", ".", "~")):
        return _parse_scp(text, scp), None
    return Address(str(local_path(text)), "file", "", ""), None


def _parse_url(text: str) -> tuple[Address, Login | None]:
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port is not None else ""
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    except ValueError:
        raise _invalid(text, "is no valid address") from None
    if parts.scheme not in SCHEMES:
        raise _invalid(text, f"begins with none of {', '.join(sorted(SCHEMES))}")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _invalid(text, "has a ? or a #; percent-encode them in a password")
    if _ENCODED_CONTROL.search(text) or not parts.path.strip("/"):
        raise _invalid(text, "names no repository")
    if parts.scheme == "file":
        return _parse_file(text, parts), None
    # An @ after the first slash is far more often a password with a raw slash in it than part of a path, and paths are shown.
    if not _HOST.fullmatch(host) or "@" in parts.path:
        raise _invalid(text, "has no valid host, or an @ in its path; percent-encode @ and / there and in a password")
    if parts.scheme == "ssh":
        return _parse_ssh(text, parts, host, port), None
    origin = f"{parts.scheme}://{host}{port}"
    return Address(origin + parts.path, parts.scheme, host, origin), _login_of(parts)


def _parse_file(text: str, parts: SplitResult) -> Address:
    if parts.netloc not in ("", "localhost"):
        raise _invalid(text, "is a file of another machine; mount it, or use ssh")
    return Address(str(local_path(unquote(parts.path))), "file", "", "")


def _parse_ssh(text: str, parts: SplitResult, host: str, port: str) -> Address:
    """ssh logs in with a key: a password in the address is refused, for it could only be handed on in a way that others see."""
    if parts.password is not None:
        raise _invalid(text, "has a password; ssh needs a key")
    if parts.username is not None and not _USER.fullmatch(parts.username):
        raise _invalid(text, "has no valid user name")
    if parts.path.startswith("/-"):
        raise _invalid(text, "names no repository")
    user = f"{parts.username}@" if parts.username else ""
    return Address(f"ssh://{user}{host}{port}{parts.path}", "ssh", host, f"ssh://{host}{port}")


def _parse_scp(text: str, scp: re.Match[str]) -> Address:
    user, host, path = scp["user"], scp["host"], scp["path"]
    if not _HOST.fullmatch(host) or path.startswith("-") or (user and not _USER.fullmatch(user)):
        raise _invalid(text, "is no address of a git repository")
    return Address(text, "ssh", host.lower(), f"ssh://{host.lower()}")


def _login_of(parts: SplitResult) -> Login | None:
    if parts.username is None and parts.password is None:
        return None
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    # A token alone is written in the user's place.
    return Login(username, password) if password else Login("", username)


def _invalid(text: str, why: str) -> InvalidSource:
    shown = re.sub(r"[?#].*", "?...", without_userinfo(text), flags=re.DOTALL)
    return InvalidSource(f"{shown if len(shown) <= 200 else shown[:197] + '...'!a} {why}")
