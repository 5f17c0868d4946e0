"""Variables: named JSON values at the API, for all to see. What is secret belongs into a `Secret` block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flowhand.client import variables
from flowhand.client.call import Errand, Json
from flowhand.errors import ObjectAlreadyExists, ObjectNotFound
from flowhand.sdk.api import perform
from flowhand.sdk.dual import dual


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as it was set. The methods are plain in plain code and awaited in async code."""

    name: str
    value: Any
    tags: list[str] = field(default_factory=list[str])

    @classmethod
    @dual
    async def get(cls, name: str, default: Any = None) -> Any:
        """The value, or `default` when there is no such variable."""
        return await perform(_value(name, default))

    @classmethod
    @dual
    async def set(cls, name: str, value: Any, tags: Iterable[str] | None = None, overwrite: bool = False) -> Variable:
        """Sets a variable: lower-case letters, digits, `_` and `-` make its name. Idempotent with `overwrite`, which keeps tags not given.

        ValueError when the name is taken and `overwrite` is not set; ApiRefused for a name or value that cannot be.
        """
        body = {"name": name, "value": value} | ({} if tags is None else {"tags": list(tags)})
        return await perform(set_variable(body, overwrite=overwrite))

    @classmethod
    @dual
    async def unset(cls, name: str) -> bool:
        """Removes a variable; whether there was one."""
        return await perform(_unset(name))


def set_variable(body: Json, *, overwrite: bool) -> Errand[Variable]:
    """See `Variable.set`; `body` is a `wire.variables.VariableCreate`."""
    try:
        made: Json = yield variables.create(body)
    except ObjectAlreadyExists:
        if not overwrite:
            raise ValueError(f"there is a variable {body['name']!r} already; overwrite=True replaces its value") from None
        yield variables.update(body["name"], body)
        made = yield variables.read(body["name"])
    return Variable(made["name"], made["value"], made.get("tags") or [])


def _value(name: str, default: Any) -> Errand[Any]:
    try:
        return (yield variables.read(name))["value"]
    except ObjectNotFound:
        return default


def _unset(name: str) -> Errand[bool]:
    try:
        yield variables.delete(name)
    except ObjectNotFound:
        return False
    return True
