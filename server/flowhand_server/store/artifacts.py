"""Artifacts, and for each key the newest one: transactions."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, insert, select, update

from flowhand.ids import new_id, timed_id
from flowhand.wire.artifacts import ArtifactCreate, ArtifactUpdate
from flowhand.wire.events import RESOURCE_ID
from flowhand.wire.filters import ArtifactQuery
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound
from flowhand_server.store.events import emit
from flowhand_server.store.nouns import where
from flowhand_server.store.reading import bounded, insert_once

MISSING: Final = "Artifact not found."
_artifact, _collection = t.artifact.c, t.artifact_collection.c
_SHOWN: Final = ("key", "type", "description", "data", "metadata_", "flow_run_id", "task_run_id")
_LATEST: Final[Select[Any]] = select(
    _collection.id,
    _collection.created,
    _collection.updated,
    _collection.latest_id,
    *(_artifact[name] for name in _SHOWN),
).join_from(t.artifact_collection, t.artifact, _artifact.id == _collection.latest_id)


def _form(row: Any) -> forms.Form:
    return {**forms.entity(row), **{name: row[name] for name in _SHOWN}}


def create_artifact(conn: Connection, body: ArtifactCreate, now: int) -> forms.Form:
    """A new artifact, from now on the newest of its key."""
    row = {"id": timed_id(), "created": now, "updated": now, **body.model_dump()}
    if row["flow_run_id"] is None and row["task_run_id"] is not None:
        row["flow_run_id"] = conn.execute(select(t.task_run.c.flow_run_id).where(t.task_run.c.id == row["task_run_id"])).scalar()
    conn.execute(insert(t.artifact).values(**row))
    if body.key is not None:
        latest = {"latest_id": row["id"], "updated": now}
        if not insert_once(conn, t.artifact_collection, {"id": new_id(), "created": now, "key": body.key, **latest}):
            conn.execute(update(t.artifact_collection).where(_collection.key == body.key).values(**latest))
    _tell(conn, "created", row, now)
    return _form(row)


def _tell(conn: Connection, what: str, row: Any, now: int) -> None:
    resource = {
        RESOURCE_ID: f"prefect.artifact.{row['id']}",
        "prefect.artifact.type": row["type"] or "",
        "prefect.artifact.key": row["key"] or "",
    }
    emit(conn, f"prefect.artifact.{what}", resource, now)


def read_artifact(conn: Connection, artifact_id: str) -> forms.Form:
    """One artifact. NotFound."""
    row = conn.execute(select(t.artifact).where(_artifact.id == artifact_id)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    return _form(row)


def read_latest(conn: Connection, key: str) -> forms.Form:
    """The newest artifact of a key. NotFound."""
    newest = select(t.artifact).join(t.artifact_collection, _collection.latest_id == _artifact.id).where(_collection.key == key)
    row = conn.execute(newest).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    return _form(row)


def _order(table: Table, sort: str | None) -> list[ColumnElement[Any]]:
    c = table.c
    match sort:
        case "CREATED_DESC":
            return [c.created.desc()]
        case "UPDATED_DESC":
            return [c.updated.desc()]
        case "KEY_DESC":
            return [c.key.desc()]
        case "KEY_ASC":
            return [c.key]
        case _:
            return [c.id.desc()]


def find_artifacts(conn: Connection, query: ArtifactQuery) -> list[forms.Form]:
    """Artifacts that fit."""
    statement = select(t.artifact).where(*where(t.artifact, query)).order_by(*_order(t.artifact, query.sort))
    return [_form(row) for row in conn.execute(bounded(statement, query)).mappings()]


def find_latest(conn: Connection, query: ArtifactQuery) -> list[forms.Form]:
    """The newest artifact of each key, as far as it fits."""
    statement = _LATEST.where(*where(t.artifact, query)).order_by(*_order(t.artifact_collection, query.sort))
    return [{**_form(row), "latest_id": row["latest_id"]} for row in conn.execute(bounded(statement, query)).mappings()]


def count_artifacts(conn: Connection, query: ArtifactQuery) -> int:
    """How many artifacts fit."""
    return conn.execute(select(func.count()).select_from(t.artifact).where(*where(t.artifact, query))).scalar_one()


def count_latest(conn: Connection, query: ArtifactQuery) -> int:
    """How many keys have a newest artifact that fits."""
    return conn.execute(select(func.count()).select_from(_LATEST.where(*where(t.artifact, query)).subquery())).scalar_one()


def update_artifact(conn: Connection, artifact_id: str, body: ArtifactUpdate, now: int) -> None:
    """Sets what is given; the newest of a key is updated with it. NotFound."""
    conn.execute(update(t.artifact).where(_artifact.id == artifact_id).values(**body.given(), updated=now))
    conn.execute(update(t.artifact_collection).where(_collection.latest_id == artifact_id).values(updated=now))
    _tell(conn, "updated", read_artifact(conn, artifact_id), now)


def delete_artifact(conn: Connection, artifact_id: str, now: int) -> None:
    """Removes an artifact; the one before it becomes the newest of its key. NotFound."""
    row = read_artifact(conn, artifact_id)
    newest = select(_artifact.id).where(_artifact.key == row["key"], _artifact.id != artifact_id).order_by(_artifact.id.desc()).limit(1)
    heir = conn.execute(newest).scalar() if row["key"] is not None else None
    pointing = _collection.latest_id == artifact_id
    if heir is None:
        conn.execute(delete(t.artifact_collection).where(pointing))
    else:
        conn.execute(update(t.artifact_collection).where(pointing).values(latest_id=heir, updated=now))
    conn.execute(delete(t.artifact).where(_artifact.id == artifact_id))
