"""Statements that are asked a thousand times a second, given to the driver itself.

What SQLAlchemy Core does anew at each execution, looking for the compiled form, choosing parameters, describing the result, costs several
times what SQLite needs for the answer. A `Prepared` keeps all of that from its first execution on. It runs in the transaction of the
`Connection` that it is given, beside plain statements, and fails with the same errors. Claims, reports, states and what they stand on use
it; everything else is plain SQLAlchemy (docs/adr/0031).
"""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, cast

from sqlalchemy import BindParameter, ColumnElement, Connection, Dialect, Insert, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

Process = Callable[[Any], Any]
Values = Mapping[str, Any]


class Prepared:
    """One statement. `columns` are those that an INSERT fills in; any other statement names its parameters itself.

    Rows are named tuples. What the database says only later (in a pipeline, see `postgresql`) is raised by whatever comes after.
    """

    def __init__(self, statement: Any, *columns: str) -> None:
        self._statement = statement.inline() if isinstance(statement, Insert) else statement
        self._columns = columns
        self._forms: dict[str, _Form] = {}

    def all(self, conn: Connection, **values: Any) -> list[Any]:
        """Every row."""
        return self.ask(conn, **values).all()

    def first(self, conn: Connection, **values: Any) -> Any:
        """The first row, or None."""
        return self.ask(conn, **values).first()

    def scalar(self, conn: Connection, **values: Any) -> Any:
        """The first column of the first row, or None."""
        return self.ask(conn, **values).scalar()

    def ask(self, conn: Connection, **values: Any) -> Asked:
        """Has it under way, so that several questions wait for the network once. Nothing is to be written before the rows are asked for:
        SQLite, which is not far, looks only then.
        """
        form = self._form(conn)
        asked = Asked(conn, form, values)
        if form.deferred:
            asked.send()
        return asked

    def run(self, conn: Connection, **values: Any) -> None:
        """Has it done. What it returns, if anything, is not looked at."""
        form = self._form(conn)
        try:
            form.execute(conn, values)
        except form.errors as error:
            raise failure(conn, form.sql, values, error) from error

    def run_each(self, conn: Connection, rows: Sequence[Values]) -> None:
        """Has it done with each row of values; nothing happens without any."""
        if not rows:
            return
        form = self._form(conn)
        try:
            form.execute_each(conn, rows)
        except form.errors as error:
            raise failure(conn, form.sql, rows[0], error) from error

    def _form(self, conn: Connection) -> _Form:
        # our engines differ by their dialect alone: each dialect is configured in one place
        dialect = conn.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form(self._statement, self._columns, dialect)
        return form


class Asked:
    """A question that is under way."""

    __slots__ = ("_conn", "_cursor", "_form", "_values")

    def __init__(self, conn: Connection, form: _Form, values: Values) -> None:
        self._conn = conn
        self._form = form
        self._values = values
        self._cursor: Any = None

    def send(self) -> Any:
        """Asks, unless that was done; the driver's cursor."""
        if self._cursor is None:
            try:
                self._cursor = self._form.execute(self._conn, self._values)
            except self._form.errors as error:
                raise failure(self._conn, self._form.sql, self._values, error) from error
        return self._cursor

    def all(self) -> list[Any]:
        """Every row."""
        cursor = self.send()
        try:
            return list(map(self._form.row, cursor.fetchall()))
        except self._form.errors as error:
            raise failure(self._conn, self._form.sql, self._values, error) from error

    def first(self) -> Any:
        """The first row, or None."""
        cursor = self.send()
        try:
            found = cursor.fetchone()
        except self._form.errors as error:
            raise failure(self._conn, self._form.sql, self._values, error) from error
        return None if found is None else self._form.row(found)

    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        found = self.first()
        return None if found is None else found[0]


class _Form:
    """A statement as the driver of one dialect takes it: its text, the parameters in order, and what is done to values both ways."""

    def __init__(self, statement: Any, columns: Sequence[str], dialect: Dialect) -> None:
        options: dict[str, Any] = {"column_keys": list(columns)} if columns else {}
        compiled: SQLCompiler = statement.compile(dialect=dialect, **options)
        self.sql = str(compiled)
        self.errors: type[Exception] = dialect.loaded_dbapi.Error
        self.row = _row_maker(statement, dialect)
        self.deferred = dialect.name == "postgresql"
        self._parameters = _parameters(compiled, dialect)
        self._list = _list_at(compiled) if _EACH in self.sql else None

    def execute(self, conn: Connection, values: Values) -> Any:
        """The driver's cursor, after it was told the statement."""
        cursor, sql, parameters = _cursor(conn), self.sql, self._parameters(values)
        if self.deferred:
            cursor.send(sql, parameters)
        elif self._list is None:
            cursor.execute(sql, parameters)
        else:
            cursor.execute(*_spread(sql, self._list, parameters))
        return cursor

    def execute_each(self, conn: Connection, rows: Iterable[Values]) -> None:
        """Once for each row. Lists are not for this."""
        cursor, values = _cursor(conn), [self._parameters(row) for row in rows]
        if len(values) == 1:
            (cursor.send if self.deferred else cursor.execute)(self.sql, values[0])
        else:
            (cursor.send_each if self.deferred else cursor.executemany)(self.sql, values)


def _list_at(compiled: SQLCompiler) -> int:
    """Where among the parameters the list is. There is one at most."""
    places = [place for place, name in enumerate(compiled.positiontup or ()) if isinstance(compiled.binds[name].type, ARRAY)]
    if len(places) != 1:
        raise TypeError("a prepared statement compares with one list at most, once")
    return places[0]


def _spread(sql: str, at: int, parameters: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The statement with as many parameters as the list has items: a power of two of them, so that few texts are made of it.

    The last is repeated for that; an empty list is nothing that anything is equal to.
    """
    items = list(parameters[at]) or [None]
    length = 1 << (len(items) - 1).bit_length()
    items += [items[-1]] * (length - len(items))
    return _with_length(sql, length), (*parameters[:at], *items, *parameters[at + 1 :])


@functools.lru_cache(maxsize=1024)
def _with_length(sql: str, length: int) -> str:
    return sql.replace(f"{_EACH}?", ", ".join("?" * length))


def _cursor(conn: Connection) -> Any:
    if not conn.in_transaction():
        conn.begin()
    driver: Any = conn.connection.dbapi_connection
    return driver.cursor()


def failure(conn: Connection, sql: str, values: Any, error: Exception) -> DBAPIError:
    """A driver's error as SQLAlchemy raises it; a connection that is lost is given up."""
    driver: Any = conn.connection.dbapi_connection
    lost = conn.dialect.is_disconnect(cast("Any", error), driver, None)
    made = DBAPIError.instance(
        sql,
        values,
        error,
        cast("Any", conn.dialect.loaded_dbapi.Error),
        hide_parameters=conn.engine.hide_parameters,
        connection_invalidated=lost,
        dialect=conn.dialect,
    )
    if lost:
        conn.invalidate(error)
    return cast("DBAPIError", made)


# --- values going in and coming out ----------------------------------------------------------------------------------------------------


def _parameters(compiled: SQLCompiler, dialect: Dialect) -> Callable[[Values], Any]:
    """What makes the driver's parameters of values: a tuple in the statement's order, or a mapping, as its parameter style wants it."""
    fixed = {name: value for name, value in compiled.params.items() if not compiled.binds[name].required} if compiled.params else {}
    names = list(compiled.positiontup) if compiled.positiontup is not None else list(compiled.params)
    processes = [(name, _bind_process(compiled.binds.get(name), dialect)) for name in names]
    if compiled.positiontup is None:
        return functools.partial(_mapping, fixed, processes)
    if not any(process for _, process in processes) and not fixed.keys() & set(names):
        return _picker(names)
    return functools.partial(_tuple, fixed, processes)


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


def _row_maker(statement: Any, dialect: Dialect) -> Callable[[Any], Any]:
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


_EACH: Final = "/* each */ "
"""Stands before the parameter that becomes many."""


class Among(FunctionElement[bool]):
    """Whether a text is in a list that is one parameter: an array; on SQLite, which has none, as many as `_spread` makes of it.

    It has no type: a Boolean would be compared with 1 on SQLite, where no index answers that.
    """

    inherit_cache = True
    name = "among"


@compiles(Among, "sqlite")
def _sqlite(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN ({_EACH}{texts})"


@compiles(Among, "postgresql")
def _postgresql(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY({texts})"


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether the column is one of the texts that the parameter `name` stands for."""
    return Among(column, bindparam(name, type_=ARRAY(Text())))
