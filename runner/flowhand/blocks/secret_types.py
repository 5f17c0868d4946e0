"""Which fields of a block are secret, and what they hold."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from flowhand_storage.remote.options import secret_texts as named_secrets

_SECRETS = (SecretStr, SecretBytes, Secret)


class SecretDict(Secret[dict[str, Any]]):
    """A mapping whose values are all secret; the server shows its keys."""


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Marks a field of plain values that the server does not show."""


SecretValues = Annotated[dict[str, Any], _Hidden()]
"""A plain mapping whose values the server encrypts and hides. Give the field `repr=False`."""


def _is_hidden(field: FieldInfo) -> bool:
    return any(isinstance(mark, _Hidden) for mark in field.metadata)


def is_secret_type(annotation: Any) -> bool:
    """Whether values of this type are shown as asterisks."""
    kind = typing.get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, _SECRETS)


def is_secret(value: Any) -> bool:
    """Whether this value is shown as asterisks."""
    return isinstance(value, _SECRETS)


def secret_paths(model: type[BaseModel]) -> list[str]:
    """Where a model's secrets are, as dotted paths; `*` stands for all keys of a mapping (contract 9). In the order of the fields."""
    return list(dict.fromkeys(_paths_in(model, frozenset({model}))))


def _paths_in(model: type[BaseModel], around: frozenset[type]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if _is_hidden(field):
            yield f"{field.alias or name}.*"
        else:
            yield from _paths(field.alias or name, field.annotation, around)


def _paths(name: str, annotation: Any, around: frozenset[type]) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, SecretDict):
        yield f"{name}.*"
    elif is_secret_type(annotation):
        yield name
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in around:  # a model that holds its like goes on for ever
            yield from (f"{name}.{inner}" for inner in _paths_in(annotation, around | {annotation}))
    else:
        below = f"{name}.*" if typing.get_origin(annotation) in (dict, Mapping) else name
        for part in typing.get_args(annotation):
            yield from (below if below != name else path for path in _paths(name, part, around))


def secret_texts(value: Any) -> Iterator[str]:
    """Every text in a value that is secret, nested ones as well; of a `SecretValues` mapping what stands under a name that tells of one."""
    if is_secret(value):
        yield from _texts(value.get_secret_value())
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            inner = getattr(value, name, None)
            yield from named_secrets(inner) if _is_hidden(field) else secret_texts(inner)
    elif isinstance(value, Mapping):
        for part in typing.cast("Mapping[Any, Any]", value).values():
            yield from secret_texts(part)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in typing.cast("Iterable[Any]", value):
            yield from secret_texts(part)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case bytes():
            yield value.decode("utf-8", "replace")
        case dict():
            for part in typing.cast("dict[Any, Any]", value).values():
                yield from _texts(part)
        case list() | tuple():
            for part in typing.cast("Iterable[Any]", value):
                yield from _texts(part)
        case _:
            return
