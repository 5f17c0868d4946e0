"""What we ask of JSON columns, in the words of either database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class HasText(FunctionElement[bool]):
    """Whether a JSON array of texts holds a text: `HasText(column, text)`."""

    type = Boolean()
    inherit_cache = True
    name = "json_has_text"


@compiles(HasText, "sqlite")
def _sqlite(element: HasText, compiler: SQLCompiler, **options: Any) -> str:
    array, wanted = list(element.clauses)
    items, text = compiler.process(array, **options), compiler.process(wanted, **options)
    return f"EXISTS (SELECT 1 FROM json_each({items}) WHERE value = {text})"  # noqa: S608  both are compiled SQL


@compiles(HasText, "postgresql")
def _postgresql(element: HasText, compiler: SQLCompiler, **options: Any) -> str:
    array, wanted = list(element.clauses)
    return f"jsonb_exists({compiler.process(array, **options)}, {compiler.process(wanted, **options)})"


class ArrayLength(FunctionElement[int]):
    """How many items a JSON array has."""

    inherit_cache = True
    name = "json_length"


@compiles(ArrayLength, "sqlite")
def _sqlite_length(element: ArrayLength, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_length({compiler.process(element.clauses, **options)})"


@compiles(ArrayLength, "postgresql")
def _postgresql_length(element: ArrayLength, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_array_length({compiler.process(element.clauses, **options)})"


def has_text(array: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether the JSON array holds the text."""
    return HasText(array, text)


def is_empty(array: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the JSON array has no item."""
    return ArrayLength(array) == 0
