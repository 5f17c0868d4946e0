"""Filters without their values: two searches of one shape are answered by one statement, made once.

A shape is what a filter states of what, how long its lists are, and whatever changes the statement itself: operators, flags, types of
states. Ids, texts, numbers and times are values; the statement has parameters in their place.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeVar, cast

from sqlalchemy import BigInteger, BindParameter, String, bindparam
from sqlalchemy.types import TypeEngine

from flowhand.clock import to_micros
from flowhand.wire.body import Request
from flowhand.wire.filters import Entities
from flowhand_server.store.prepared_values import LONG

R = TypeVar("R", bound=Request)
_KINDS: Final[dict[type, TypeEngine[Any]]] = {str: String(), int: BigInteger()}


@dataclass(frozen=True, slots=True)
class Shape:
    """What queries have in common that differ in their values alone. `of` is one of these."""

    key: Hashable
    of: Entities = field(compare=False)

    def with_parameters(self) -> Entities:
        """The filters with a parameter for each value, named as `values` names them."""
        numbers = itertools.count()
        return self.of.model_copy(update={name: _filled(filters, numbers) for name, filters in _filters(self.of)})


def take_apart(query: Entities) -> tuple[Shape, dict[str, Any]]:
    """The shape of a query's filters, and their values by parameter; times are microseconds."""
    values: list[Any] = []
    key = tuple([(name, _key(filters, values)) for name, filters in _filters(query)])
    return Shape(key, query), {_name(number): value for number, value in enumerate(values)}


def _filters(query: Entities) -> Iterator[tuple[str, Request]]:
    return ((name, value) for name, value in query.__dict__.items() if isinstance(value, Request))


def _stated(criterion: Request) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in criterion.__dict__.items() if value is not None)


def _name(number: int) -> str:
    return f"v{number}"


def _is_fixed(name: str, value: Any) -> bool:
    """Whether it is written into the statement."""
    return name == "operator" or isinstance(value, bool) or (isinstance(value, list) and all(map(_is_kind, cast("list[Any]", value))))


def _is_kind(value: Any) -> bool:
    return isinstance(value, Enum)


def _items(value: list[Any]) -> list[Any]:
    """A list as the statement has it: a power of two of items, so that few statements are made, unless it is long. The last is repeated."""
    if not value or len(value) > LONG:
        return value
    return value + value[-1:] * ((1 << (len(value) - 1).bit_length()) - len(value))


def _key(criterion: Request, values: list[Any]) -> Hashable:
    parts: list[Hashable] = []
    for name, value in _stated(criterion):
        if isinstance(value, Request):
            parts.append((name, _key(value, values)))
        elif _is_fixed(name, value):
            parts.append((name, tuple(value) if isinstance(value, list) else value))
        elif isinstance(value, list):
            items = _items(value)
            parts.append((name, len(items)))
            values += items
        else:
            parts.append(name)
            values.append(to_micros(value) if isinstance(value, datetime) else value)
    return tuple(parts)


def _filled(criterion: R, numbers: Iterator[int]) -> R:
    filled: dict[str, Any] = {}
    for name, value in _stated(criterion):
        if isinstance(value, Request):
            filled[name] = _filled(value, numbers)
        elif isinstance(value, list) and not _is_fixed(name, value):
            filled[name] = [_parameter(next(numbers), item) for item in _items(value)]
        elif not _is_fixed(name, value):
            filled[name] = _parameter(next(numbers), value)
    return criterion.model_copy(update=filled)


def _parameter(number: int, value: Any) -> BindParameter[Any]:
    return bindparam(_name(number), type_=_KINDS[int if isinstance(value, datetime) else type(value)])
