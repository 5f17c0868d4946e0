"""`/variables` (contract 10)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from flowhand.wire.filters import VariableQuery
from flowhand.wire.variables import Variable, VariableCreate, VariableUpdate
from flowhand_server.routes.context import Key, Now, StoreDep, check_limit, nothing, reply, shows
from flowhand_server.store import variables

router = APIRouter(prefix="/variables", tags=["Variables"])


@router.post("/", status_code=201, responses=shows(Variable, 201))
async def create_variable(body: VariableCreate, store: StoreDep, now: Now) -> Response:
    """A new variable."""
    return reply(await store.write(variables.create_variable, body, now), 201)


@router.post("/filter", responses=shows(list[Variable]))
async def find_variables(query: VariableQuery, store: StoreDep) -> Response:
    """Variables that fit."""
    check_limit(query.limit)
    return reply(await store.read(variables.find_variables, query))


@router.post("/count", responses=shows(int))
async def count_variables(query: VariableQuery, store: StoreDep) -> Response:
    """How many variables fit."""
    return reply(await store.read(variables.count_variables, query.variables))


@router.get("/name/{name}", responses=shows(Variable))
async def read_variable_by_name(name: str, store: StoreDep) -> Response:
    """One variable by its name."""
    return reply(await store.read(variables.read_variable, variables.named(name)))


@router.patch("/name/{name}", status_code=204, response_class=Response)
async def update_variable_by_name(name: str, body: VariableUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a variable."""
    await store.write(variables.update_variable, variables.named(name), body, now)
    return nothing()


@router.delete("/name/{name}", status_code=204, response_class=Response)
async def delete_variable_by_name(name: str, store: StoreDep) -> Response:
    """Deletes a variable."""
    await store.write(variables.delete_variable, variables.named(name))
    return nothing()


@router.get("/{variable_id:uuid}", responses=shows(Variable))
async def read_variable(variable_id: Key, store: StoreDep) -> Response:
    """One variable."""
    return reply(await store.read(variables.read_variable, variables.with_id(str(variable_id))))


@router.patch("/{variable_id:uuid}", status_code=204, response_class=Response)
async def update_variable(variable_id: Key, body: VariableUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a variable."""
    await store.write(variables.update_variable, variables.with_id(str(variable_id)), body, now)
    return nothing()


@router.delete("/{variable_id:uuid}", status_code=204, response_class=Response)
async def delete_variable(variable_id: Key, store: StoreDep) -> Response:
    """Deletes a variable."""
    await store.write(variables.delete_variable, variables.with_id(str(variable_id)))
    return nothing()
