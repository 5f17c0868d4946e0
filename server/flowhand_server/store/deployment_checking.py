"""What a deployment must hold together with: its parameter schema, its pool's variables, the blocks that it names (contract 4.4, 10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from flowhand_server.json_schemas import DoesNotFit, check, check_job_variables, check_schema
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Conflict, Refused

Variables = Mapping[str, Any] | None


def check_new_variables(conn: Connection, queue_id: str | None, variables: Variables) -> None:
    """Refused (422) unless the job variables of a new deployment fit the pool of its queue."""
    try:
        _fit(conn, queue_id, variables)
    except DoesNotFit as error:
        raise Refused(422, f"Error creating deployment: {error}") from None


def check_variables(conn: Connection, queue_id: str | None, variables: Variables) -> None:
    """Conflict unless the job variables fit the pool that a deployment is to have from now on."""
    try:
        _fit(conn, queue_id, variables)
    except DoesNotFit as error:
        raise Conflict(f"Error updating deployment: {error}") from None


def _fit(conn: Connection, queue_id: str | None, variables: Variables) -> None:
    if not variables or queue_id is None:
        return
    template = conn.execute(
        select(t.work_pool.c.base_job_template)
        .join_from(t.work_queue, t.work_pool, t.work_pool.c.id == t.work_queue.c.work_pool_id)
        .where(t.work_queue.c.id == queue_id)
    ).scalar()
    check_job_variables(template, variables, required=False)


def check_parameters(row: Mapping[str, Any]) -> None:
    """Conflict unless the parameters of a deployment that enforces its schema fit that. Not for the loop, nor a transaction, as below."""
    if not row["enforce_parameter_schema"] or not isinstance(row["parameter_openapi_schema"], dict):
        return
    try:
        check_with_schema(row["parameters"] or {}, row["parameter_openapi_schema"])
    except DoesNotFit as error:
        raise Conflict(f"Error updating deployment: {error}") from None


def check_with_schema(parameters: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """DoesNotFit unless the schema is one, and the parameters of a deployment fit it. Takes seconds for a large schema that is new."""
    check_schema(schema)
    check(parameters, schema, required=False)


def check_blocks(conn: Connection, values: Mapping[str, Any]) -> None:
    """Conflict unless there are the blocks that a deployment is to have its storage and infrastructure from."""
    for name in ("storage", "infrastructure"):
        wanted = values.get(f"{name}_document_id")
        if wanted is not None and not conn.execute(select(t.block_document.c.id).where(t.block_document.c.id == wanted)).first():
            raise Conflict(f"There is no {name} block with id {wanted}. Was the deployment built for another server?")
