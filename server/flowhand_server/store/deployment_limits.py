"""A deployment's concurrency limit: a number of its own, or a global limit that it shares (contract 5.7).

The number is kept with the deployment, where a claim reads it; beside it stands a global limit, named `deployment:<id>` when it is the
deployment's own, which is what clients see and may change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, update

from flowhand.ids import new_id
from flowhand.wire.deployments import DeploymentCreate, DeploymentUpdate
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.limits import in_use_of_limits
from flowhand_server.store.reading import insert_once

_limit, _dep = t.concurrency_limit.c, t.deployment.c


def own_name(deployment_id: str) -> str:
    """What a deployment's own limit is called."""
    return f"deployment:{deployment_id}"


def set_limit(conn: Connection, deployment_id: str, body: DeploymentCreate | DeploymentUpdate, now: int) -> None:
    """Sets, changes or removes the limit, if the body says anything of it. NotFound for an unknown global limit."""
    if "global_concurrency_limit_id" in body.model_fields_set:
        shared = body.global_concurrency_limit_id
        number = None if shared is None else _number(conn, shared)
        _point(conn, deployment_id, shared, number)
    elif "concurrency_limit" in body.model_fields_set:
        if body.concurrency_limit is None:
            conn.execute(delete(t.concurrency_limit).where(_limit.name == own_name(deployment_id)))
            _point(conn, deployment_id, None, None)
        else:
            _point(conn, deployment_id, _own(conn, deployment_id, body.concurrency_limit, now), body.concurrency_limit)


def _number(conn: Connection, limit_id: str) -> int:
    number = conn.execute(select(_limit.limit).where(_limit.id == limit_id)).scalar()
    if number is None:
        raise NotFound("Concurrency limit not found")
    return number


def _own(conn: Connection, deployment_id: str, number: int, now: int) -> str:
    name = own_name(deployment_id)
    row = {"id": new_id(), "created": now, "updated": now, "name": name, "limit": number}
    if not insert_once(conn, t.concurrency_limit, row):
        conn.execute(update(t.concurrency_limit).where(_limit.name == name).values(limit=number, updated=now))
    return conn.execute(select(_limit.id).where(_limit.name == name)).scalar_one()


def _point(conn: Connection, deployment_id: str, limit_id: str | None, number: int | None) -> None:
    values = {"global_concurrency_limit_id": limit_id, "concurrency_limit": number}
    conn.execute(update(t.deployment).where(_dep.id == deployment_id).values(**values))


def limit_changed(conn: Connection, limit_id: str) -> None:
    """Brings the deployments of a global limit up to it: its number, or none when it is gone or switched off."""
    row = conn.execute(select(_limit.limit, _limit.active).where(_limit.id == limit_id)).first()
    values: dict[str, Any] = {"concurrency_limit": row.limit if row is not None and row.active else None}
    if row is None:
        values["global_concurrency_limit_id"] = None
    conn.execute(update(t.deployment).where(_dep.global_concurrency_limit_id == limit_id).values(**values))


def limits_of(conn: Connection, deployments: Sequence[Any]) -> dict[str, forms.Form]:
    """By deployment: its global limit as clients see it, with the slots that are in use, also those of others that share it."""
    ids = {row["id"]: row["global_concurrency_limit_id"] for row in deployments if row["global_concurrency_limit_id"]}
    if not ids:
        return {}
    rows = {row["id"]: row for row in conn.execute(select(t.concurrency_limit).where(_limit.id.in_(list(ids.values())))).mappings()}
    in_use = in_use_of_limits(conn, rows)
    return {key: forms.global_limit(rows[limit_id], in_use[limit_id]) for key, limit_id in ids.items() if limit_id in rows}
