"""What prepared statements do with values: parameters as a driver wants them, rows as named tuples, lists as one parameter."""

from __future__ import annotations

import functools
import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Dialect, Integer, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

Process = Callable[[Any], Any]
Values = Mapping[str, Any]


def parameters_of(compiled: SQLCompiler, dialect: Dialect) -> Callable[[Values], Any]:
    """What makes the driver's parameters of values: a tuple in the statement's order, or a mapping, as its parameter style wants it."""
    fixed = {name: value for name, value in compiled.params.items() if not compiled.binds[name].required} if compiled.params else {}
    names = list(compiled.positiontup) if compiled.positiontup is not None else list(compiled.params)
    processes = [(name, _bind_process(compiled.binds.get(name), dialect)) for name in names]
    if compiled.positiontup is None:
        return functools.partial(_mapping, fixed, processes)
    if not any(process for _, process in processes) and not fixed.keys() & set(names):
        return _picker(names)
    return functools.partial(_tuple, fixed, processes)


def numbered(sql: str) -> tuple[str, list[str]]:
    """A statement with parameters as PostgreSQL itself has them, $1 and so on, and their names in that order."""
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PYFORMAT.sub(place, sql), names


_PYFORMAT: Final = re.compile(r"%(?:\((?P<name>[^)]*)\)s|%)")


def _bind_process(parameter: BindParameter[Any] | None, dialect: Dialect) -> Process | None:
    if parameter is None:
        return None
    if parameter.expanding or parameter.literal_execute:
        raise TypeError(f"{parameter.key!r} would be rendered at each execution; compare with a list by `among`")
    return parameter.type.dialect_impl(dialect).bind_processor(dialect)


def _picker(names: Sequence[str]) -> Callable[[Values], Any]:
    if len(names) > 1:
        return itemgetter(*names)
    return (lambda values: (values[names[0]],)) if names else lambda _: ()


def _tuple(fixed: Values, processes: Sequence[tuple[str, Process | None]], values: Values) -> tuple[Any, ...]:
    given = {**fixed, **values} if fixed else values
    return tuple([process(given[name]) if process else given[name] for name, process in processes])


def _mapping(fixed: Values, processes: Sequence[tuple[str, Process | None]], values: Values) -> dict[str, Any]:
    given = {**fixed, **values} if fixed else values
    return {name: process(given[name]) if process else given[name] for name, process in processes}


def row_maker(statement: Any, dialect: Dialect) -> Callable[[Any], Any]:
    """What makes a row of a driver's row."""
    columns: list[tuple[str, TypeEngine[Any]]] = [(key, column.type) for key, column in statement.exported_columns.items()]
    # its fields are known only here, so there is no class that could be written down
    made: Any = namedtuple("Row", [name for name, _ in columns], rename=True)  # noqa: PYI024  # pyright: ignore[reportUntypedNamedTuple]
    found = [(place, kind.dialect_impl(dialect).result_processor(dialect, None)) for place, (_, kind) in enumerate(columns)]
    processes = [(place, process) for place, process in found if process is not None]
    return functools.partial(_processed, made._make, processes) if processes else made._make


def _processed(make: Process, processes: Sequence[tuple[int, Process]], values: Sequence[Any]) -> Any:
    row = list(values)
    for place, process in processes:
        row[place] = process(row[place])
    return make(row)


# --- lists -----------------------------------------------------------------------------------------------------------------------------


EACH: Final = "/* each */ "
"""Stands before the parameter that becomes many."""
LONG: Final = 1024
"""Items of a list whose length is rounded up."""


class Among(FunctionElement[bool]):
    """Whether a value is in a list that is one parameter: an array; on SQLite, which has none, as many as `spread` makes of it.

    It has no type: a Boolean would be compared with 1 on SQLite, where no index answers that.
    """

    inherit_cache = True
    name = "among"


@compiles(Among, "sqlite")
def _sqlite(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN ({EACH}{texts})"


@compiles(Among, "postgresql")
def _postgresql(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY({texts})"


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether the column is one of the texts, or of the whole numbers, that the parameter `name` stands for."""
    kind = BigInteger() if isinstance(column.type, Integer) else Text()
    return Among(column, bindparam(name, type_=ARRAY(kind)))


def list_at(compiled: SQLCompiler) -> int:
    """Where among the parameters the list is. There is one at most."""
    places = [place for place, name in enumerate(compiled.positiontup or ()) if isinstance(compiled.binds[name].type, ARRAY)]
    if len(places) != 1:
        raise TypeError("a prepared statement compares with one list at most, once")
    return places[0]


def spread(sql: str, at: int, parameters: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The statement with as many parameters as the list has items: a power of two of them, so that few texts are made of it.

    The last is repeated for that; an empty list is nothing that anything is equal to. A long list is given as it is: SQLite takes 32,766
    parameters (sqlite.org/limits), and a text of that size is not worth keeping.
    """
    items = list(parameters[at]) or [None]
    if len(items) <= LONG:
        length = 1 << (len(items) - 1).bit_length()
        items += [items[-1]] * (length - len(items))
        text = _with_length(sql, length)
    else:
        text = _with_length.__wrapped__(sql, len(items))
    return text, (*parameters[:at], *items, *parameters[at + 1 :])


@functools.lru_cache(maxsize=1024)
def _with_length(sql: str, length: int) -> str:
    return sql.replace(f"{EACH}?", ", ".join("?" * length))
