"""Statements that are asked a thousand times a second, given to the driver itself.

What SQLAlchemy Core does anew at each execution, looking for the compiled form, choosing parameters, describing the result, costs several
times what SQLite needs for the answer. A `Prepared` keeps all of that from its first execution on. It runs in the transaction of the
`Connection` that it is given, beside plain statements, and fails with the same errors. Claims, reports, states and what they stand on use
it, and searches of runs (docs/adr/0036); everything else is plain SQLAlchemy (docs/adr/0031).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from .postgresql_errors import has_forgotten
from .prepared_values import EACH, Values, among, list_at, numbered, parameters_of, row_maker, spread

__all__ = ["Asked", "Prepared", "among", "failure"]


class Prepared:
    """One statement. `columns` are those that an INSERT fills in; any other statement names its parameters itself.

    Rows are named tuples. What the database says only later (in a pipeline, see `postgresql_pipeline`) is raised by whatever comes after.
    With `by_values` PostgreSQL plans each execution for its values, as is right where the way to rare ones is a bad way to frequent ones.
    Otherwise it may choose one plan for all values after five executions (PostgreSQL manual, PREPARE).
    """

    def __init__(self, statement: Any, *columns: str, by_values: bool = False) -> None:
        self._statement = statement.inline() if isinstance(statement, Insert) else statement
        self._columns = columns
        self._by_values = by_values
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
            form = self._forms[dialect.name] = _Form(self._statement, self._columns, dialect, self._by_values)
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

    def __init__(self, statement: Any, columns: Sequence[str], dialect: Dialect, by_values: bool) -> None:
        options: dict[str, Any] = {"column_keys": list(columns)} if columns else {}
        compiled: SQLCompiler = statement.compile(dialect=dialect, **options)
        self.sql = str(compiled)
        self.errors: type[Exception] = dialect.loaded_dbapi.Error
        self.row = row_maker(statement, dialect)
        self.deferred = dialect.name == "postgresql"
        self._numbered = numbered(self.sql) if self.deferred else None
        self._by_values = by_values
        self._parameters = parameters_of(compiled, dialect)
        self._list = list_at(compiled) if EACH in self.sql else None

    def execute(self, conn: Connection, values: Values) -> Any:
        """What has the rows: the driver's cursor after it was told the statement, or the reply that is under way."""
        driver, parameters = _driver(conn), self._parameters(values)
        if self._numbered is not None and driver.open_line:
            sql, names = self._numbered
            return driver.line.send(sql, [parameters[name] for name in names], prepared=not self._by_values)
        cursor = driver.cursor()
        if self._list is None:
            cursor.execute(self.sql, parameters)
        else:
            cursor.execute(*spread(self.sql, self._list, parameters))
        return cursor

    def execute_each(self, conn: Connection, rows: Iterable[Values]) -> None:
        """Once for each row. Lists are not for this."""
        driver, values = _driver(conn), [self._parameters(row) for row in rows]
        if self._numbered is not None and driver.open_line:
            sql, names = self._numbered
            for parameters in values:
                driver.line.send(sql, [parameters[name] for name in names])
        elif len(values) == 1:
            driver.cursor().execute(self.sql, values[0])
        else:
            driver.cursor().executemany(self.sql, values)


def _driver(conn: Connection) -> Any:
    if not conn.in_transaction():
        conn.begin()
    return conn.connection.dbapi_connection


def failure(conn: Connection, sql: str, values: Any, error: Exception) -> DBAPIError:
    """A driver's error as SQLAlchemy raises it, with the statement that failed, which in a pipeline may be one that was sent before.

    A connection that is lost is given up, and one on which prepared statements were forgotten.
    """
    driver: Any = conn.connection.dbapi_connection
    failed = driver.line.failed(error) if conn.dialect.name == "postgresql" else None
    if failed is not None and failed != numbered(sql)[0]:
        sql, values = failed, None
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
    if lost or has_forgotten(error):
        conn.invalidate(error)
    return cast("DBAPIError", made)
