"""The settings of a file system: which of them are secrets, and what some of them look like."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flowhand_storage.errors import InvalidSource
from flowhand_storage.scrub import is_sensitive
from flowhand_storage.secrets import reveal, texts_in


def secret_texts(settings: Any, *, secret: bool = False) -> list[str]:
    """Every text in `settings` that nobody may read: what is a secret by its type, and all below a name that tells of one."""
    shown = reveal(settings)
    secret = secret or shown is not settings
    if isinstance(shown, Mapping):
        return [text for name, item in shown.items() for text in secret_texts(item, secret=secret or is_sensitive(str(name)))]
    return texts_in(shown) if secret else []


def without_secrets(settings: Any) -> Any:
    """`settings` less what is secret: what is left decides, beside the address, which files are meant."""
    if isinstance(settings, Mapping):
        kept = {str(name): item for name, item in settings.items() if not is_sensitive(str(name)) and reveal(item) is item}
        return {name: without_secrets(item) for name, item in kept.items()}
    return settings


def service_account(token: Any) -> Any:
    """A service account as Google's client library takes it: a mapping, or a path. Blocks may hold it as JSON text. InvalidSource."""
    if not isinstance(token, str) or not token.lstrip().startswith("{"):
        return token
    try:
        return json.loads(token)
    except ValueError:
        raise InvalidSource("service_account_info is no JSON") from None
