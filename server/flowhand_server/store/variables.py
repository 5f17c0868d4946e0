"""Variables: transactions."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from flowhand.ids import new_id
from flowhand.wire.filters import VariableFilter, VariableQuery
from flowhand.wire.variables import VariableCreate, VariableUpdate
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Conflict, NotFound
from flowhand_server.store.filters import condition
from flowhand_server.store.nouns import VARIABLE
from flowhand_server.store.reading import bounded, insert_once, named_order

MISSING: Final = "Variable not found."
TAKEN: Final = "A variable with this name already exists."
_variable = t.variable.c


def named(name: str) -> ColumnElement[bool]:
    """The variable of this name."""
    return _variable.name == name


def with_id(variable_id: str) -> ColumnElement[bool]:
    """The variable with this id."""
    return _variable.id == variable_id


def _form(row: Any) -> forms.Form:
    return {**forms.entity(row), "name": row["name"], "value": row["value"], "tags": row["tags"]}


def create_variable(conn: Connection, body: VariableCreate, now: int) -> forms.Form:
    """A new variable. Conflict when the name is taken."""
    if not insert_once(conn, t.variable, {"id": new_id(), "created": now, "updated": now, **body.model_dump()}):
        raise Conflict(TAKEN)
    return read_variable(conn, named(body.name))


def read_variable(conn: Connection, which: ColumnElement[bool]) -> forms.Form:
    """One variable. NotFound."""
    row = conn.execute(select(t.variable).where(which)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    return _form(row)


def find_variables(conn: Connection, query: VariableQuery) -> list[forms.Form]:
    """Variables that fit, in the order asked for."""
    statement = select(t.variable).order_by(*named_order(t.variable, query.sort))
    wanted = condition(query.variables, VARIABLE)
    return [_form(row) for row in conn.execute(bounded(statement if wanted is None else statement.where(wanted), query)).mappings()]


def count_variables(conn: Connection, filters: VariableFilter | None) -> int:
    """How many variables fit."""
    statement = select(func.count()).select_from(t.variable)
    wanted = condition(filters, VARIABLE)
    return conn.execute(statement if wanted is None else statement.where(wanted)).scalar_one()


def update_variable(conn: Connection, which: ColumnElement[bool], body: VariableUpdate, now: int) -> None:
    """Sets what is given. NotFound, Conflict when the new name is taken."""
    row = conn.execute(select(_variable.id).where(which)).first()
    if row is None:
        raise NotFound(MISSING)
    if body.name is not None and conn.execute(select(_variable.id).where(named(body.name), _variable.id != row.id)).first():
        raise Conflict(TAKEN)
    given = {name: value for name, value in body.given().items() if name == "value" or value is not None}
    conn.execute(update(t.variable).where(_variable.id == row.id).values(**given, updated=now))


def delete_variable(conn: Connection, which: ColumnElement[bool]) -> None:
    """Removes a variable. NotFound."""
    if not conn.execute(delete(t.variable).where(which)).rowcount:
        raise NotFound(MISSING)
