"""Calls about block types, schemas and documents (contract 9). Answers are the API's JSON as it came; `wire.blocks` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowhand.client.call import Call, Errand, Json, path_of, read_nothing, read_row
from flowhand.client.paging import every, filter_path

_SECRETS = {"include_secrets": "true"}


def read_type(slug: str) -> Call[Json]:
    """A type by its slug."""
    return Call("GET", path_of("block_types", "slug", slug), read_row, about=f"block type {slug!r}")


def create_type(body: Mapping[str, Any]) -> Call[Json]:
    """Makes a type (`wire.blocks.BlockTypeCreate`); ObjectAlreadyExists when the slug is taken."""
    return Call("POST", "/block_types/", read_row, dict(body), repeatable=False, about=f"block type {body.get('slug')!r}")


def update_type(type_id: str, changes: Mapping[str, Any]) -> Call[None]:
    """Sets what is present (`wire.blocks.BlockTypeUpdate`)."""
    return Call("PATCH", path_of("block_types", type_id), read_nothing, dict(changes), about=f"block type {type_id}")


def delete_type(type_id: str) -> Call[None]:
    """Deletes a type with its schemas and documents."""
    return Call("DELETE", path_of("block_types", type_id), read_nothing, about=f"block type {type_id}")


def types(slugs: Sequence[str] | None = None, limit: int | None = None) -> Errand[list[Json]]:
    """Types by name, all or those of these slugs."""
    return every(filter_path("block_types"), {"block_types": {"slug": {"any_": list(slugs)}} if slugs else None}, limit)


def read_schema(checksum: str, version: str) -> Call[Json]:
    """A schema by its checksum and version."""
    path = path_of("block_schemas", "checksum", checksum)
    return Call("GET", path, read_row, query={"version": version}, about=f"block schema {checksum}")


def create_schema(body: Mapping[str, Any]) -> Call[Json]:
    """Makes a schema (`wire.blocks.BlockSchemaCreate`); one that is there already is answered as it is."""
    return Call("POST", "/block_schemas/", read_row, dict(body), about="block schema")


def schemas(type_id: str, limit: int | None = None) -> Errand[list[Json]]:
    """The schemas of a type, the newest first."""
    return every(filter_path("block_schemas"), {"block_schemas": {"block_type_id": {"any_": [type_id]}}}, limit)


def read(slug: str, name: str, *, secrets: bool = False) -> Call[Json]:
    """A document by its type's slug and its name, its secrets in the clear if so wished."""
    path = path_of("block_types", "slug", slug, "block_documents", "name", name)
    return Call("GET", path, read_row, query=_SECRETS if secrets else {}, about=f"block {slug}/{name}")


def read_by_id(document_id: str, *, secrets: bool = False) -> Call[Json]:
    """A document by its id."""
    path = path_of("block_documents", document_id)
    return Call("GET", path, read_row, query=_SECRETS if secrets else {}, about=f"block {document_id}")


def create(slug: str, body: Mapping[str, Any]) -> Call[Json]:
    """Makes a document (`wire.blocks.BlockDocumentCreate`) of a type; ObjectAlreadyExists when its name is taken there."""
    about = f"block {slug}/{body.get('name') or '(anonymous)'}"
    return Call("POST", "/block_documents/", read_row, dict(body), repeatable=False, about=about)


def update(document_id: str, changes: Mapping[str, Any]) -> Call[None]:
    """Changes a document (`wire.blocks.BlockDocumentUpdate`)."""
    return Call("PATCH", path_of("block_documents", document_id), read_nothing, dict(changes), about=f"block {document_id}")


def delete(document_id: str) -> Call[None]:
    """Deletes a document."""
    return Call("DELETE", path_of("block_documents", document_id), read_nothing, about=f"block {document_id}")


def listed(slug: str | None = None, limit: int | None = None) -> Errand[list[Json]]:
    """Documents that have a name, by type and name, all or those of a type; their secrets hidden."""
    body: Json = {"sort": "BLOCK_TYPE_AND_NAME_ASC"}
    if slug is not None:
        body["block_types"] = {"slug": {"any_": [slug]}}
    return every(filter_path("block_documents"), body, limit)
