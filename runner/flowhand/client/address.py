"""Where the API is and what proves who we are."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from flowhand.client.published import Published, published_server, read_token
from flowhand.errors import ConfigurationError
from flowhand.settings import Settings

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Address:
    """An API: `url` without a trailing slash (it ends in `/api`), and the Authorization header, which never shows in a repr."""

    url: str
    authorization: str | None = field(default=None, repr=False)
    tls_ca: Path | None = None
    """Authorities (PEM) that vouch for it beside the usual ones."""
    embedded: bool = False
    """Ours, on this machine, started on demand: it may be started again when it does not answer."""

    def proof(self) -> dict[str, str | None]:
        """What a run needs to speak to it as its worker does; for a file that its owner alone can read."""
        return {"url": self.url, "authorization": self.authorization, "tls_ca": str(self.tls_ca) if self.tls_ca else None}

    @classmethod
    def of_proof(cls, proof: Mapping[str, str | None]) -> Address:
        """The address that `proof` was made from."""
        authorities = proof.get("tls_ca")
        return cls(proof["url"] or "", proof.get("authorization"), Path(authorities) if authorities else None)

    @property
    def local(self) -> bool:
        """Whether it is on this machine, where no proxy belongs in between."""
        return (urlsplit(self.url).hostname or "") in LOOPBACK


def configured_address(settings: Settings) -> Address | None:
    """The API that the settings name, or None when they name none.

    Credentials in the URL are taken out of it. The token of a server of this home goes only to the very URL which that server published.
    """
    if not settings.api_url:
        return None
    try:
        parts = urlsplit(settings.api_url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"FLOWHAND_API_URL is not a URL: {error}") from None
    if not parts.hostname or port == 0:
        raise ConfigurationError("FLOWHAND_API_URL names no host; write it like http://127.0.0.1:4200/api")
    url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    authorization = _credentials(settings)
    if authorization is None and parts.username is not None:
        authorization = _basic(f"{parts.username}:{parts.password or ''}")
    if authorization is None:
        authorization = _token_for(url, settings.home)
    return Address(url, authorization, _authorities(settings))


def published_address(settings: Settings, published: Published) -> Address:
    """The address of this home's own server, with what it wants: the credentials it was told, else the token in its home."""
    if settings.server_auth_string:
        return Address(published.url, _basic(settings.server_auth_string), _authorities(settings), embedded=True)
    token = read_token(settings.home)
    authorization = _credentials(settings) or (f"Bearer {token}" if token else None)
    return Address(published.url, authorization, _authorities(settings), embedded=True)


def _authorities(settings: Settings) -> Path | None:
    # runs read the address in folders of their own
    return settings.api_tls_ca.expanduser().absolute() if settings.api_tls_ca else None


def _credentials(settings: Settings) -> str | None:
    if settings.api_auth_string:
        return _basic(settings.api_auth_string)
    if not settings.api_key:
        return None
    if not settings.api_key.isascii() or not settings.api_key.isprintable():
        raise ConfigurationError("FLOWHAND_API_KEY holds characters that a header cannot carry (a line end, perhaps)")
    return f"Bearer {settings.api_key}"


def _basic(user_and_password: str) -> str:
    return "Basic " + base64.b64encode(user_and_password.encode()).decode()


def _token_for(url: str, home: Path) -> str | None:
    if urlsplit(url).hostname not in LOOPBACK:
        return None
    published = published_server(home)
    if published is None or not _same_server(url, published.url):
        return None
    token = read_token(home)
    return f"Bearer {token}" if token else None


def _same_server(one: str, other: str) -> bool:
    a, b = urlsplit(one), urlsplit(other)
    return a.port == b.port and {a.hostname, b.hostname} <= LOOPBACK
