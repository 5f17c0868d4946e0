"""How a pull step names a secret without holding it: `{{ prefect.blocks.<type>.<name> }}`, resolved when the step runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flowhand_storage.errors import InvalidSource
from flowhand_storage.scrub import is_sensitive
from flowhand_storage.secrets import is_secret_block, reveal

KeepSecret = Callable[[Any], str]
"""Keeps a value (a text, or a mapping of texts) where secrets are kept; the reference by which a step finds it again."""

_OF_ENVIRONMENT = re.compile(r"\{\{\s*\$(\w+)\s*\}\}")
_USERNAMES = ("username", "user")


def from_environment(value: Any, environ: Mapping[str, str]) -> Any:
    """`value`, a text or a mapping of texts, with `{{ $NAME }}` filled in as a step does it; itself when there is nothing to fill.

    InvalidSource for a variable that is not set.
    """
    if isinstance(value, Mapping):
        filled = {name: from_environment(item, environ) for name, item in value.items()}
        return value if filled == value else filled
    named = _OF_ENVIRONMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if named is None:
        return value
    if named[1] not in environ:
        raise InvalidSource(f"the environment variable {named[1]} is not set; the credentials of this storage are to be found there")
    return environ[named[1]]


def block_name(block: Any) -> tuple[str, str] | None:
    """The type and the name under which a block was saved; None when `block` is no block, or was never saved."""
    name = getattr(block, "_block_document_name", None)
    if not name:
        return None
    slug = getattr(block, "get_block_type_slug", None)
    kind = slug() if callable(slug) else getattr(block, "_block_type_slug", None)
    return str(kind or "secret"), str(name)


def reference_to(block: Any) -> str | None:
    """The reference to a saved block; None for anything else."""
    saved = block_name(block)
    return None if saved is None else f"{{{{ prefect.blocks.{saved[0]}.{saved[1]} }}}}"


def referenced(value: Any, keep: KeepSecret | None, *, secret: bool = False) -> Any:
    """`value`, safe to stand in a pull step: every saved block is a reference, every other secret is kept by `keep` and then one.

    `secret` says that a plain text is a secret. InvalidSource when a secret is met and there is no `keep`.
    """
    if reference := reference_to(value):
        return reference
    if isinstance(value, Mapping):
        return {
            name: referenced(item, keep, secret=(secret and name not in _USERNAMES) or is_sensitive(name)) for name, item in value.items()
        }
    shown = reveal(value)
    if shown is value and not (secret and isinstance(value, str)):
        return value
    if isinstance(shown, str) and shown.strip().startswith("{{"):
        return shown
    if keep is None:
        what = "access token" if is_secret_block(value) else "credentials"
        raise InvalidSource(
            f"Please save your {what} as a Secret block before converting this storage object to a pull step: a step must not hold them"
        )
    return keep(shown)
