"""What a git host is shown, in the form that it wants to see it in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowhand_storage.errors import InvalidSource
from flowhand_storage.git.address import Address, Login
from flowhand_storage.paths import local_path
from flowhand_storage.secrets import reveal

_TOKEN = ("access_token", "token", "personal_access_token")
_KEY = ("ssh_key", "private_key")
_KEY_PATH = ("ssh_key_path", "private_key_path")
_OTHER = ("username", "password", "header", "passphrase", "known_hosts")
_KNOWN = (*_TOKEN, *_KEY, *_KEY_PATH, *_OTHER)

# Which user name goes with a token, by what the token begins with, else by the host. Sources: GitHub "Authenticating as a GitHub App
# installation", GitLab "Clone using a token", Bitbucket Cloud "Using access tokens" and "Using API tokens", Bitbucket Data Center
# "HTTP access tokens". Hosts that take any name (Gitea, Azure DevOps, GitHub's own tokens) take this one too.
_BY_TOKEN = {
    "glpat-": "oauth2",
    "gloas-": "oauth2",
    "ATCTT": "x-token-auth",
    "ATATT": "x-bitbucket-api-token-auth",
    "BBDC-": "x-token-auth",
}
_BY_HOST = {"gitlab": "oauth2", "bitbucket": "x-token-auth"}
_ANY = "x-access-token"


@dataclass(frozen=True, slots=True, repr=False)
class Header:
    """One header line, such as `Authorization: Bearer …`, sent to the repository's origin alone."""

    line: str


@dataclass(frozen=True, slots=True, repr=False)
class SshKey:
    """A private key: its text, or a path to it. `known_hosts` are lines as of sshd(8); None: the user's own file."""

    text: str | None
    path: Path | None
    passphrase: str | None = None
    known_hosts: str | None = None


Credentials = Login | Header | SshKey


def credentials_for(address: Address, given: Any, in_url: Login | None = None) -> Credentials | None:
    """What is shown to `address`: `given`, else what stood in the URL, else nothing.

    `given` is a token, a mapping or a block with such fields, or what this function returned.

    InvalidSource when `given` says too little, or something that this kind of address cannot use. No value is quoted.
    """
    if isinstance(given, Credentials):
        return given
    fields = fields_of(given)
    if not fields:
        if given is not None and given != {}:
            raise InvalidSource(f"these credentials hold none of {', '.join(_KNOWN)}")
        return _complete(address, in_url)
    if address.scheme == "file":
        return None
    if address.scheme == "ssh":
        return _key(address, fields)
    if header := fields.get("header"):
        return Header(_one_line(header if ":" in header else f"Authorization: {header}", "header"))
    return _login(address, fields)


def secrets_of(credentials: Credentials | None) -> list[str]:
    """Every text in them that nobody may read."""
    match credentials:
        case Login(username=username, password=password):
            return [password, f"{username}:{password}"]
        case Header(line=line):
            value = line.partition(":")[2].strip()
            return [line, value, value.rpartition(" ")[2]]
        case SshKey(text=text, passphrase=passphrase):
            return [secret for secret in (text, passphrase) if secret]
        case None:
            return []


def fields_of(given: Any) -> dict[str, str]:
    """What `given` says, field by field, revealed."""
    value = reveal(given)
    if isinstance(value, str):
        return {"access_token": value} if value else {}
    found = {name: reveal(value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)) for name in _KNOWN}
    return {name: str(item) for name, item in found.items() if item is not None and item != ""}


def _login(address: Address, fields: Mapping[str, str]) -> Login:
    token = _first(fields, _TOKEN)
    secret = token or fields.get("password")
    username = fields.get("username")
    if not secret:
        raise InvalidSource(f"credentials for {address.origin} need an access token or a password beside a user name")
    if token and not username and ":" in token:
        username, _, secret = token.partition(":")
    return Login(_one_line(username or user_for_token(address.host, secret), "user name"), _one_line(secret, "token"))


def _complete(address: Address, in_url: Login | None) -> Login | None:
    if in_url is None or in_url.username:
        return in_url
    return Login(user_for_token(address.host, in_url.password), in_url.password)


def user_for_token(host: str, token: str) -> str:
    """The user name that `host` expects beside `token`."""
    for start, username in _BY_TOKEN.items():
        if token.startswith(start):
            return username
    for part, username in _BY_HOST.items():
        if part in host.lower():
            return username
    return _ANY


def _key(address: Address, fields: Mapping[str, str]) -> SshKey:
    text, path = _first(fields, _KEY), _first(fields, _KEY_PATH)
    if not text and not path:
        raise InvalidSource(f"{address.origin} is reached by ssh, which needs an ssh_key or ssh_key_path, not a token or password")
    return SshKey(text, local_path(path) if path else None, fields.get("passphrase"), fields.get("known_hosts"))


def _first(fields: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((fields[name] for name in names if name in fields), None)


def _one_line(text: str, what: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise InvalidSource(f"the {what} for a git host contains a line break or another control character")
    return text
