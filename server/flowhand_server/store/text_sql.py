"""What we ask of texts, in the words of either database."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_ANY: Final = literal("%", String())


class Like(FunctionElement[bool]):
    """Whether a text is like a pattern, upper and lower case being one: `Like(column, pattern)`."""

    type = Boolean()
    inherit_cache = True
    name = "like_in_any_case"


@compiles(Like, "postgresql")
def _postgresql(element: Like, compiler: SQLCompiler, **options: Any) -> str:
    text, pattern = (compiler.process(part, **options) for part in element.clauses)
    return f"({text} ILIKE {pattern})"


@compiles(Like, "sqlite")
def _sqlite(element: Like, compiler: SQLCompiler, **options: Any) -> str:
    # LIKE itself looks past the case of ASCII letters (sqlite.org/lang_expr); two calls of lower() a row would take five times as long
    text, pattern = (compiler.process(part, **options) for part in element.clauses)
    return f"({text} LIKE {pattern})"


def contains(column: ColumnElement[Any], text: Any) -> ColumnElement[bool]:
    """Whether the text is somewhere in the column; `%` and `_` in it stand for any letters, as the contract's `like_` has it."""
    return Like(column, f"%{text}%" if isinstance(text, str) else _ANY + text + _ANY)


def begins(column: ColumnElement[Any], text: Any) -> ColumnElement[bool]:
    """Whether the column begins with the text, in the same way."""
    return Like(column, f"{text}%" if isinstance(text, str) else text + _ANY)
