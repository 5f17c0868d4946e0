"""Block documents: filled-in blocks, with references to others and secrets that are kept encrypted (contract 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from flowhand.ids import is_id, new_id
from flowhand.wire.blocks import BlockDocumentCreate, BlockDocumentUpdate
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE
from flowhand.wire.filters import BlockDocumentFilter, BlockDocumentQuery
from flowhand_server.secret_fields import hidden, merged
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.block_types import schema_form, type_form
from flowhand_server.store.errors import Conflict, NotFound
from flowhand_server.store.events import emit
from flowhand_server.store.filters import condition
from flowhand_server.store.nouns import BLOCK_DOCUMENT, BLOCK_SCHEMA, BLOCK_TYPE
from flowhand_server.store.reading import bounded, insert_once
from flowhand_server.vault import Vault

MISSING: Final = "Block document not found"
DEEP: Final = 32
"""How deep documents may refer to documents."""
_document, _type, _schema, _reference = t.block_document.c, t.block_type.c, t.block_schema.c, t.block_document_reference.c


class Documents:
    """Reads and writes documents of one connection; `vault` opens and locks their secrets."""

    def __init__(self, conn: Connection, vault: Vault, *, secrets: bool = False) -> None:
        self._conn = conn
        self._vault = vault
        self._secrets = secrets

    # --- reading ---------------------------------------------------------------------------------------------------------------------

    def shown(self, statement: Select[Any]) -> list[forms.Form]:
        """The documents that a statement selects, with what they refer to."""
        rows = self._conn.execute(statement).mappings().all()
        types = self._rows(t.block_type, {row["block_type_id"] for row in rows})
        schemas = self._rows(t.block_schema, {row["block_schema_id"] for row in rows})
        return [self._form(row, types[row["block_type_id"]], schemas[row["block_schema_id"]]) for row in rows]

    def _rows(self, table: Any, ids: set[str]) -> dict[str, Mapping[Any, Any]]:
        return {row["id"]: row for row in self._conn.execute(select(table).where(table.c.id.in_(ids))).mappings()} if ids else {}

    def _form(self, row: Mapping[Any, Any], block_type: Mapping[Any, Any], schema: Mapping[Any, Any]) -> forms.Form:
        type_shown = type_form(block_type)
        data, references = self._whole(row, 0)
        return {
            **forms.entity(row),
            "name": row["name"],
            "data": data,
            "block_schema_id": row["block_schema_id"],
            "block_schema": schema_form(schema, type_shown),
            "block_type_id": row["block_type_id"],
            "block_type_name": type_shown["name"],
            "block_type": type_shown,
            "block_document_references": references,
            "is_anonymous": row["is_anonymous"],
        }

    def _whole(self, row: Mapping[Any, Any], depth: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """A document's data with that of the documents it refers to in it, and the references themselves."""
        data = dict(self._vault.open(row["secrets"]) if self._secrets and row["secrets"] else row["data"])
        references: dict[str, Any] = {}
        if depth >= DEEP:
            return data, references
        for name, child in self._children(row["id"]):
            data[name], nested = self._whole(child, depth + 1)
            block_type = self._rows(t.block_type, {child["block_type_id"]})[child["block_type_id"]]
            references[name] = {
                "block_document": {
                    "id": child["id"],
                    "name": child["name"],
                    "block_type": type_form(block_type),
                    "is_anonymous": child["is_anonymous"],
                    "block_document_references": nested,
                }
            }
        return data, references

    def _children(self, document_id: str) -> list[tuple[str, Mapping[Any, Any]]]:
        statement = select(_reference.name.label("field"), t.block_document).join_from(
            t.block_document_reference, t.block_document, _document.id == _reference.reference_id
        )
        rows = self._conn.execute(statement.where(_reference.parent_id == document_id)).mappings().all()
        return [(row["field"], row) for row in rows]

    # --- writing ---------------------------------------------------------------------------------------------------------------------

    def columns(self, data: Mapping[str, Any], schema_id: str) -> dict[str, Any]:
        """What is stored of a document's data: its readable form, and the whole of it encrypted if there is a secret in it."""
        plain = {name: value for name, value in data.items() if _referred(value) is None}
        shown = hidden(plain, self.secret_paths(schema_id))
        return {"data": shown, "secrets": None if shown == plain else self._vault.lock(plain)}

    def secret_paths(self, schema_id: str) -> list[str]:
        """Where the secrets of a schema are."""
        fields = self._conn.execute(select(_schema.fields).where(_schema.id == schema_id)).scalar()
        return list((fields or {}).get("secret_fields") or ())

    def plain(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """A document's own data, secrets in the clear."""
        return self._vault.open(row["secrets"]) if row["secrets"] else row["data"]

    def refer(self, document_id: str, data: Mapping[str, Any]) -> None:
        """Has the document refer to those that its data points at; fields that now hold something else refer to nothing."""
        for name, value in data.items():
            self._conn.execute(delete(t.block_document_reference).where(_reference.parent_id == document_id, _reference.name == name))
            target = _referred(value)
            if target is None:
                continue
            if self._conn.execute(select(_document.id).where(_document.id == target)).first() is None:
                raise Conflict(f"There is no block document with id {target}.")
            self._conn.execute(insert(t.block_document_reference).values(parent_id=document_id, name=name, reference_id=target))


def _referred(value: Any) -> str | None:
    """The id of the document that a value points at: `{"$ref": {"block_document_id": id}}`."""
    reference = value.get("$ref") if isinstance(value, Mapping) else None
    target = reference.get("block_document_id") if isinstance(reference, Mapping) else None
    return target if isinstance(target, str) and is_id(target) else None


def with_id(document_id: str) -> Select[Any]:
    """The document with this id."""
    return select(t.block_document).where(_document.id == document_id)


def of_type(slug: str, name: str | None = None) -> Select[Any]:
    """The documents of a type that are not anonymous, or the one of a name."""
    statement = select(t.block_document).join(t.block_type, _type.id == _document.block_type_id).where(_type.slug == slug)
    if name is not None:
        return statement.where(_document.name == name)
    return statement.where(_document.is_anonymous.is_(False)).order_by(_document.name)


def read_documents(conn: Connection, vault: Vault, statement: Select[Any], secrets: bool) -> list[forms.Form]:
    """The documents that a statement selects."""
    return Documents(conn, vault, secrets=secrets).shown(statement)


def read_document(conn: Connection, vault: Vault, statement: Select[Any], secrets: bool) -> forms.Form:
    """The one document that a statement selects. NotFound."""
    found = read_documents(conn, vault, statement, secrets)
    if not found:
        raise NotFound(MISSING)
    return found[0]


def _fitting(filters: BlockDocumentFilter | None) -> list[ColumnElement[bool]]:
    wanted = condition(filters or BlockDocumentFilter(), BLOCK_DOCUMENT)
    return [] if wanted is None else [wanted]


def _where(query: BlockDocumentQuery) -> list[ColumnElement[bool]]:
    conditions = _fitting(query.block_documents)
    types, schemas = condition(query.block_types, BLOCK_TYPE), condition(query.block_schemas, BLOCK_SCHEMA)
    if types is not None:
        conditions.append(_document.block_type_id.in_(select(_type.id).where(types)))
    if schemas is not None:
        conditions.append(_document.block_schema_id.in_(select(_schema.id).where(schemas)))
    return conditions


def find_documents(conn: Connection, vault: Vault, query: BlockDocumentQuery) -> list[forms.Form]:
    """Documents that fit, in the order asked for."""
    statement = select(t.block_document).where(*_where(query))
    match query.sort:
        case "NAME_DESC":
            statement = statement.order_by(_document.name.desc(), _document.id)
        case "BLOCK_TYPE_AND_NAME_ASC":
            statement = statement.join(t.block_type, _type.id == _document.block_type_id).order_by(_type.name, _document.name)
        case _:
            statement = statement.order_by(_document.name, _document.id)
    return Documents(conn, vault, secrets=query.include_secrets).shown(bounded(statement, query))


def count_documents(conn: Connection, query: BlockDocumentQuery) -> int:
    """How many documents fit."""
    return conn.execute(select(func.count()).select_from(t.block_document).where(*_where(query))).scalar_one()


def create_document(conn: Connection, vault: Vault, body: BlockDocumentCreate, now: int) -> forms.Form:
    """A new document. Conflict when the name is taken or type or schema are not there."""
    schema = conn.execute(select(_schema.block_type_id).where(_schema.id == body.block_schema_id)).first()
    if schema is None or schema.block_type_id != body.block_type_id:
        raise Conflict("There is no such block schema of this block type.")
    documents = Documents(conn, vault)
    document_id = new_id()
    row = {
        "id": document_id,
        "created": now,
        "updated": now,
        "name": body.name or f"anonymous-{document_id}",
        "is_anonymous": body.is_anonymous,
        "block_type_id": body.block_type_id,
        "block_schema_id": body.block_schema_id,
        **documents.columns(body.data, body.block_schema_id),
    }
    if not insert_once(conn, t.block_document, row):
        raise Conflict("Block already exists")
    documents.refer(document_id, body.data)
    _tell(conn, "created", row, now)
    return read_document(conn, vault, with_id(document_id), False)


def update_document(conn: Connection, vault: Vault, document_id: str, body: BlockDocumentUpdate, now: int) -> None:
    """Lays data over the document's, or puts it in its place. NotFound; Conflict for a schema of another type."""
    row = conn.execute(with_id(document_id)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    schema_id = body.block_schema_id or row["block_schema_id"]
    known = conn.execute(select(_schema.block_type_id).where(_schema.id == schema_id)).scalar()
    if known != row["block_type_id"]:
        raise Conflict("Must migrate block document to a block schema of the same block type.")
    documents = Documents(conn, vault)
    paths = documents.secret_paths(row["block_schema_id"])
    data = merged(documents.plain(row), body.data, paths, keep_others=body.merge_existing_data)
    values = documents.columns(data, schema_id) | {"block_schema_id": schema_id, "updated": now}
    conn.execute(update(t.block_document).where(_document.id == document_id).values(**values))
    documents.refer(document_id, body.data)
    _tell(conn, "updated", {**row, "block_schema_id": schema_id}, now)


def delete_document(conn: Connection, document_id: str, now: int) -> None:
    """Removes a document. NotFound."""
    row = conn.execute(with_id(document_id)).mappings().first()
    if row is None:
        raise NotFound(MISSING)
    conn.execute(delete(t.block_document).where(_document.id == document_id))
    _tell(conn, "deleted", row, now)


def _tell(conn: Connection, what: str, row: Mapping[Any, Any], now: int) -> None:
    """Of a document that somebody has named. What it holds is not told: events go further than secrets may."""
    if row["is_anonymous"]:
        return
    resource = {RESOURCE_ID: f"prefect.block-document.{row['id']}", RESOURCE_NAME: row["name"]}
    related = [
        {RESOURCE_ID: f"prefect.{kind}.{row[column]}", RESOURCE_ROLE: kind}
        for kind, column in (("block-type", "block_type_id"), ("block-schema", "block_schema_id"))
    ]
    emit(conn, f"prefect.block-document.{what}", resource, now, related=related)
