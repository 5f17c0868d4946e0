"""Orders of a search, and where in an index one of them is entered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """That all rows which fit have this value in this column. An index begins with the column and goes on along the order."""

    column: ColumnElement[Any]
    value: Any

    def is_met(self) -> ColumnElement[bool]:
        """The condition as such."""
        return self.column == self.value

    def is_met_in_order(self, key: ColumnElement[str]) -> ColumnElement[bool]:
        """The condition where rows are wanted by this column first and then in the order. `key` is never null."""
        return _InOrder(self.column, key, self.value)


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One after the other by these columns, the last of which is the id: so pages do not overlap."""

    columns: tuple[ColumnElement[Any], ...]
    descending: bool = False
    within: ColumnElement[bool] | None = None
    """What the rows are confined to by the index that walks along it."""
    beginning: Beginning | None = None
    null_is_least: bool = False
    """Whether that is said, as some columns may be null: on SQLite it is so, on PostgreSQL null is the greatest."""

    def by(self, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """What ORDER BY names, where these stand for the columns."""
        if self.null_is_least:
            return [column.desc().nulls_last() if self.descending else column.nulls_first() for column in columns]
        return [column.desc() for column in columns] if self.descending else list(columns)


class _InOrder(FunctionElement[bool]):
    """Equality; on PostgreSQL said as a range, at the upper end by the column alone and at the lower end with a key beside it.

    PostgreSQL drops from an order what is equal to a constant, and a plan for whatever value may then take the index of the rest of the
    order and filter. By a range, only the index that begins with the column gives the order. Two ends of one kind it would take for a small
    range, whose rows are soon read and sorted. It has no type: a Boolean would be compared with 1 on SQLite, where no index answers that.
    """

    inherit_cache = True
    name = "in_order"


@compiles(_InOrder)
def _equal(element: _InOrder, compiler: SQLCompiler, **options: Any) -> str:
    column, _, value = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = {value}"


@compiles(_InOrder, "postgresql")
def _between(element: _InOrder, compiler: SQLCompiler, **options: Any) -> str:
    column, key, value = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} <= {value} AND ({column}, {key}) >= ({value}, ''))"
