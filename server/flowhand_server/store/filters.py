"""Filters of the REST contract as SQL conditions.

A noun is a mapping from a filter's properties to what they look at: a column, a mapping of its own (nested properties), or a function
that makes the condition itself. `condition` walks a filter along such a mapping; what each key means is written once, in `OPERATORS`.
Where a filter has parameters in place of its values (see `shapes`), the condition has them too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, literal_column, or_, true

from flowhand.clock import to_micros
from flowhand.wire.criteria import Criterion, Tags
from flowhand_server.store.json_sql import has_text, is_empty
from flowhand_server.store.text_sql import begins, contains

Condition = ColumnElement[bool]
Property = ColumnElement[Any] | Mapping[str, Any] | Callable[[Any], Condition | None]
Properties = Mapping[str, Property]
"""From the name of a filter's property to what it looks at."""


def one_of(column: ColumnElement[Any], values: Sequence[Any]) -> Condition:
    """Whether the column is one of these values."""
    if not values:
        return false()
    each = each_of(column, values)
    return column == each[0] if len(values) == 1 else column.in_(each)


def _not_among(column: ColumnElement[Any], values: Sequence[Any]) -> Condition:
    return column.not_in(each_of(column, values)) if values else true()


def each_of(column: ColumnElement[Any], values: Sequence[Any]) -> Sequence[Any]:
    """The values as a statement has them: types of states are written out, so that partial indexes serve."""
    return [literal_column(f"'{value.value}'", column.type) for value in values] if isinstance(values[0], Enum) else values


def _begins(column: ColumnElement[Any], values: Sequence[str]) -> Condition:
    return or_(false(), *(begins(column, value) for value in values))


OPERATORS: Final[Mapping[str, Callable[[ColumnElement[Any], Any], Condition]]] = {
    "any_": one_of,
    "not_any_": _not_among,
    "like_": lambda column, text: contains(column, text),
    "startswith_": _begins,
    "is_null_": lambda column, yes: column.is_(None) if yes else column.is_not(None),
    "exists_": lambda column, yes: column.is_not(None) if yes else column.is_(None),
    "before_": lambda column, moment: column <= _micros(moment),
    "after_": lambda column, moment: column >= _micros(moment),
    "ge_": lambda column, number: column >= number,
    "le_": lambda column, number: column <= number,
    "eq_": lambda column, yes: column.is_(yes),
}

TAG_OPERATORS: Final[Mapping[str, Callable[[ColumnElement[Any], Any], Condition]]] = {
    "all_": lambda column, tags: and_(true(), *(has_text(column, tag) for tag in tags)),
    "any_": lambda column, tags: or_(false(), *(has_text(column, tag) for tag in tags)),
    "is_null_": lambda column, yes: is_empty(column) if yes else ~is_empty(column),
}


def _micros(moment: datetime | ColumnElement[int]) -> Any:
    return to_micros(moment) if isinstance(moment, datetime) else moment


def condition(criterion: Criterion | None, noun: Properties) -> Condition | None:
    """The condition that a filter over `noun` stands for; None when it says nothing."""
    if criterion is None:
        return None
    parts: list[Condition] = []
    for name in type(criterion).model_fields:
        value = getattr(criterion, name)
        if name == "operator" or value is None:
            continue
        part = _property(value, noun[name])
        if part is not None:
            parts.append(part)
    return joined(criterion, parts)


def _property(value: Any, target: Property) -> Condition | None:
    if isinstance(target, ColumnElement):
        return _column(value, target)
    if isinstance(target, Mapping):
        return condition(value, target)
    return target(value)


def _column(criterion: Criterion, column: ColumnElement[Any]) -> Condition | None:
    operators = TAG_OPERATORS if isinstance(criterion, Tags) else OPERATORS
    parts: list[Condition] = []
    for name in type(criterion).model_fields:
        value = getattr(criterion, name)
        if name != "operator" and value is not None:
            parts.append(operators[name](column, value))
    return joined(criterion, parts)


def joined(criterion: Criterion, parts: list[Condition]) -> Condition | None:
    """All of these or any, as the filter has it; None when it says nothing."""
    if not parts:
        return None
    return or_(*parts) if criterion.operator == "or_" else and_(*parts)
