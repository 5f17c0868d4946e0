"""Block types and their schemas: transactions (contract 9)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, delete, insert, select, update

from flowhand.ids import new_id
from flowhand.wire.blocks import NON_VERSIONED, BlockSchemaCreate, BlockTypeCreate, BlockTypeUpdate, checksum
from flowhand.wire.filters import BlockSchemaQuery, BlockTypeQuery
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Conflict, NotFound, Refused
from flowhand_server.store.filters import condition
from flowhand_server.store.nouns import BLOCK_SCHEMA, BLOCK_TYPE
from flowhand_server.store.reading import bounded, insert_once

_type, _schema = t.block_type.c, t.block_schema.c
_SHOWN: Final = ("name", "slug", "logo_url", "documentation_url", "description", "code_example", "is_protected")
BUILT_IN: Final = Path(__file__).parents[1] / "block_types.json"
"""Types that every server knows, with their schemas: made from the classes by tests/support/built_in_blocks.py."""
PROTECTED: Final = ("local-file-system", "secret", "webhook")
"""Those of them that nobody may remove."""
RESERVED: Final = "prefect"
"""Names that begin so are the contract's own."""


def type_form(row: Mapping[Any, Any]) -> forms.Form:
    """A block type as it is shown."""
    return {**forms.entity(row), **{name: row[name] for name in _SHOWN}}


def schema_form(row: Mapping[Any, Any], block_type: forms.Form | None) -> forms.Form:
    """A block schema with its type."""
    shown = ("checksum", "fields", "capabilities", "version", "block_type_id")
    return {**forms.entity(row), **{name: row[name] for name in shown}, "block_type": block_type}


def install_built_in(conn: Connection, now: int) -> None:
    """Makes the types that every server knows, and their schemas, where they are missing."""
    built_in = json.loads(BUILT_IN.read_bytes())
    known = set(conn.execute(select(_schema.checksum).where(_schema.version == NON_VERSIONED)).scalars())
    for slug, about in built_in.items():
        if checksum(about["fields"]) in known:
            continue
        body = BlockTypeCreate(**about["type"])
        insert_once(conn, t.block_type, {"id": new_id(), "created": now, "updated": now, **body.model_dump()})
        type_id = read_type(conn, with_slug(slug))["id"]
        create_schema(conn, BlockSchemaCreate(block_type_id=type_id, fields=about["fields"], capabilities=about["capabilities"]), now)
    conn.execute(update(t.block_type).where(_type.slug.in_(PROTECTED), _type.is_protected.is_(False)).values(is_protected=True))


def create_type(conn: Connection, body: BlockTypeCreate, now: int) -> forms.Form:
    """A new type. Conflict when the slug is taken; Refused (403) for a reserved name."""
    if body.name.lower().startswith(RESERVED):
        raise Refused(403, "Block type names beginning with 'Prefect' are reserved.")
    if not insert_once(conn, t.block_type, {"id": new_id(), "created": now, "updated": now, **body.model_dump()}):
        raise Conflict(f'Block type with name "{body.name}" already exists')
    return read_type(conn, with_slug(body.slug))


def with_slug(slug: str) -> ColumnElement[bool]:
    """The type of this slug."""
    return _type.slug == slug


def with_id(type_id: str) -> ColumnElement[bool]:
    """The type with this id."""
    return _type.id == type_id


def read_type(conn: Connection, which: ColumnElement[bool]) -> forms.Form:
    """One type. NotFound."""
    row = conn.execute(select(t.block_type).where(which)).mappings().first()
    if row is None:
        raise NotFound("Block type not found.")
    return type_form(row)


def find_types(conn: Connection, query: BlockTypeQuery) -> list[forms.Form]:
    """Types that fit, by name."""
    statement = select(t.block_type).order_by(_type.name, _type.id)
    wanted = condition(query.block_types, BLOCK_TYPE)
    if wanted is not None:
        statement = statement.where(wanted)
    schemas = condition(query.block_schemas, BLOCK_SCHEMA)
    if schemas is not None:
        statement = statement.where(_type.id.in_(select(_schema.block_type_id).where(schemas)))
    return [type_form(row) for row in conn.execute(bounded(statement, query)).mappings()]


def update_type(conn: Connection, type_id: str, body: BlockTypeUpdate, now: int) -> None:
    """Sets what is given. NotFound."""
    if not conn.execute(update(t.block_type).where(_type.id == type_id).values(**body.given(), updated=now)).rowcount:
        raise NotFound("Block type not found.")


def delete_type(conn: Connection, type_id: str) -> None:
    """Removes a type with its schemas and documents. NotFound; Refused (403) for a protected one."""
    if read_type(conn, with_id(type_id))["is_protected"]:
        raise Refused(403, "protected block types cannot be deleted.")
    conn.execute(delete(t.block_type).where(_type.id == type_id))


# --- schemas ---------------------------------------------------------------------------------------------------------------------------


def create_schema(conn: Connection, body: BlockSchemaCreate, now: int) -> tuple[forms.Form, bool]:
    """The schema of these fields and this version, and whether it is new. NotFound without its type."""
    if conn.execute(select(_type.id).where(_type.id == body.block_type_id)).first() is None:
        raise NotFound(f"Block type {body.block_type_id} not found.")
    digest = checksum(body.fields)
    here = (_schema.checksum == digest, _schema.version == body.version)
    known = conn.execute(select(_schema.id).where(*here)).scalar()
    schema_id = known or new_id()
    if known is None:
        conn.execute(insert(t.block_schema).values(id=schema_id, created=now, updated=now, checksum=digest, **body.model_dump()))
    return read_schema(conn, schema_id), known is None


def read_schema(conn: Connection, schema_id: str) -> forms.Form:
    """One schema. NotFound."""
    return _one(conn, select(t.block_schema).where(_schema.id == schema_id))


def read_schema_by_checksum(conn: Connection, digest: str, version: str | None) -> forms.Form:
    """One schema by its checksum, the newest if no version is named. NotFound."""
    statement = select(t.block_schema).where(_schema.checksum == digest).order_by(_schema.created.desc(), _schema.id.desc())
    return _one(conn, statement if version is None else statement.where(_schema.version == version))


def _one(conn: Connection, statement: Select[Any]) -> forms.Form:
    row = conn.execute(statement.limit(1)).mappings().first()
    if row is None:
        raise NotFound("Block schema not found.")
    return schema_form(row, read_type(conn, with_id(row["block_type_id"])))


def find_schemas(conn: Connection, query: BlockSchemaQuery) -> list[forms.Form]:
    """Schemas that fit, the newest first."""
    statement = select(t.block_schema).order_by(_schema.created.desc(), _schema.id.desc())
    wanted = condition(query.block_schemas, BLOCK_SCHEMA)
    rows = conn.execute(bounded(statement if wanted is None else statement.where(wanted), query)).mappings().all()
    types = types_by_id(conn, (row["block_type_id"] for row in rows))
    return [schema_form(row, types.get(row["block_type_id"])) for row in rows]


def types_by_id(conn: Connection, ids: Iterable[str]) -> dict[str, forms.Form]:
    """Types by their ids."""
    rows = conn.execute(select(t.block_type).where(_type.id.in_(set(ids)))).mappings()
    return {row["id"]: type_form(row) for row in rows}


def delete_schema(conn: Connection, schema_id: str) -> None:
    """Removes a schema with its documents. NotFound; Refused (403) for one of a protected type."""
    block_type = read_schema(conn, schema_id)["block_type"]
    if block_type["is_protected"]:
        raise Refused(403, "Block schemas for protected block types cannot be deleted.")
    conn.execute(delete(t.block_schema).where(_schema.id == schema_id))


def capabilities(conn: Connection) -> list[str]:
    """All capabilities that any schema has."""
    return sorted(set(_flat(conn.execute(select(_schema.capabilities)).scalars())))


def _flat(lists: Iterable[list[str]]) -> Iterator[str]:
    for names in lists:
        yield from names
