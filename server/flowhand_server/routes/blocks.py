"""`/block_types`, `/block_schemas`, `/block_documents` (contract 9)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import HTTPConnection

from flowhand.wire.blocks import (
    BlockDocument,
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchema,
    BlockSchemaCreate,
    BlockType,
    BlockTypeCreate,
    BlockTypeUpdate,
)
from flowhand.wire.filters import BlockDocumentQuery, BlockSchemaQuery, BlockTypeQuery
from flowhand_server.access.principal import PRINCIPAL, demand
from flowhand_server.access.scopes import Scope
from flowhand_server.routes.context import Key, Now, StoreDep, check_limit, created, nothing, reply, shows, shows_created
from flowhand_server.store import block_documents, block_types
from flowhand_server.vault import Vault


async def _vault(connection: HTTPConnection) -> Vault:
    return connection.app.state.vault


def _secrets_wanted(connection: HTTPConnection, wanted: bool) -> bool:
    """Whether secrets are to be shown: told in the audit trail, and refused (403) to whoever may only look."""
    if wanted:
        demand(connection, Scope.RUN)
        connection.app.state.audit.secrets_read(connection.scope, connection.scope[PRINCIPAL])
    return wanted


async def _secrets(connection: HTTPConnection, include_secrets: bool = False) -> bool:
    return _secrets_wanted(connection, include_secrets)


VaultDep = Annotated[Vault, Depends(_vault)]
SecretsDep = Annotated[bool, Depends(_secrets)]
types = APIRouter(prefix="/block_types", tags=["Blocks"])
schemas = APIRouter(prefix="/block_schemas", tags=["Blocks"])
documents = APIRouter(prefix="/block_documents", tags=["Blocks"])
capabilities = APIRouter(prefix="/block_capabilities", tags=["Blocks"])


@types.post("/", status_code=201, responses=shows(BlockType, 201))
async def create_type(body: BlockTypeCreate, store: StoreDep, now: Now) -> Response:
    """A new type."""
    return reply(await store.write(block_types.create_type, body, now), 201)


@types.post("/filter", responses=shows(list[BlockType]))
async def find_types(query: BlockTypeQuery, store: StoreDep) -> Response:
    """Types that fit."""
    check_limit(query.limit)
    return reply(await store.read(block_types.find_types, query))


@types.post("/install_system_block_types")
async def install_types(store: StoreDep, now: Now) -> Response:
    """Makes the types that every server knows, where they are missing."""
    await store.write(block_types.install_built_in, now)
    return reply(None)


@types.get("/slug/{slug}", responses=shows(BlockType))
async def read_type_by_slug(slug: str, store: StoreDep) -> Response:
    """One type by its slug."""
    return reply(await store.read(block_types.read_type, block_types.with_slug(slug)))


@types.get("/slug/{slug}/block_documents", responses=shows(list[BlockDocument]))
async def documents_of_type(slug: str, store: StoreDep, vault: VaultDep, include_secrets: SecretsDep) -> Response:
    """The documents of a type."""
    await store.read(block_types.read_type, block_types.with_slug(slug))
    return reply(await store.read(block_documents.read_documents, vault, block_documents.of_type(slug), include_secrets))


@types.get("/slug/{slug}/block_documents/name/{name}", responses=shows(BlockDocument))
async def document_of_type(slug: str, name: str, store: StoreDep, vault: VaultDep, include_secrets: SecretsDep) -> Response:
    """One document by its type and name."""
    return reply(await store.read(block_documents.read_document, vault, block_documents.of_type(slug, name), include_secrets))


@types.get("/{type_id:uuid}", responses=shows(BlockType))
async def read_type(type_id: Key, store: StoreDep) -> Response:
    """One type."""
    return reply(await store.read(block_types.read_type, block_types.with_id(str(type_id))))


@types.patch("/{type_id:uuid}", status_code=204, response_class=Response)
async def update_type(type_id: Key, body: BlockTypeUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a type."""
    await store.write(block_types.update_type, str(type_id), body, now)
    return nothing()


@types.delete("/{type_id:uuid}", status_code=204, response_class=Response)
async def delete_type(type_id: Key, store: StoreDep) -> Response:
    """Deletes a type with its schemas and documents."""
    await store.write(block_types.delete_type, str(type_id))
    return nothing()


# --- schemas ---------------------------------------------------------------------------------------------------------------------------


@schemas.post("/", responses=shows_created(BlockSchema))
async def create_schema(body: BlockSchemaCreate, store: StoreDep, now: Now) -> Response:
    """The schema of these fields and this version, made if there is none."""
    return created(*await store.write(block_types.create_schema, body, now))


@schemas.post("/filter", responses=shows(list[BlockSchema]))
async def find_schemas(query: BlockSchemaQuery, store: StoreDep) -> Response:
    """Schemas that fit."""
    check_limit(query.limit)
    return reply(await store.read(block_types.find_schemas, query))


@schemas.get("/checksum/{checksum}", responses=shows(BlockSchema))
async def read_schema_by_checksum(checksum: str, store: StoreDep, version: str | None = None) -> Response:
    """One schema by its checksum."""
    return reply(await store.read(block_types.read_schema_by_checksum, checksum, version))


@schemas.get("/{schema_id:uuid}", responses=shows(BlockSchema))
async def read_schema(schema_id: Key, store: StoreDep) -> Response:
    """One schema."""
    return reply(await store.read(block_types.read_schema, str(schema_id)))


@schemas.delete("/{schema_id:uuid}", status_code=204, response_class=Response)
async def delete_schema(schema_id: Key, store: StoreDep) -> Response:
    """Deletes a schema with its documents."""
    await store.write(block_types.delete_schema, str(schema_id))
    return nothing()


@capabilities.get("/", responses=shows(list[str]))
async def read_capabilities(store: StoreDep) -> Response:
    """All capabilities that any schema has."""
    return reply(await store.read(block_types.capabilities))


# --- documents -------------------------------------------------------------------------------------------------------------------------


@documents.post("/", status_code=201, responses=shows(BlockDocument, 201))
async def create_document(body: BlockDocumentCreate, store: StoreDep, vault: VaultDep, now: Now) -> Response:
    """A new document."""
    return reply(await store.write(block_documents.create_document, vault, body, now), 201)


@documents.post("/filter", responses=shows(list[BlockDocument]))
async def find_documents(query: BlockDocumentQuery, store: StoreDep, vault: VaultDep, request: Request) -> Response:
    """Documents that fit."""
    _secrets_wanted(request, query.include_secrets)
    check_limit(query.limit)
    return reply(await store.read(block_documents.find_documents, vault, query))


@documents.post("/count", responses=shows(int))
async def count_documents(query: BlockDocumentQuery, store: StoreDep) -> Response:
    """How many documents fit."""
    return reply(await store.read(block_documents.count_documents, query))


@documents.get("/{document_id:uuid}", responses=shows(BlockDocument))
async def read_document(document_id: Key, store: StoreDep, vault: VaultDep, include_secrets: SecretsDep) -> Response:
    """One document."""
    which = block_documents.with_id(str(document_id))
    return reply(await store.read(block_documents.read_document, vault, which, include_secrets))


@documents.patch("/{document_id:uuid}", status_code=204, response_class=Response)
async def update_document(document_id: Key, body: BlockDocumentUpdate, store: StoreDep, vault: VaultDep, now: Now) -> Response:
    """Changes a document."""
    await store.write(block_documents.update_document, vault, str(document_id), body, now)
    return nothing()


@documents.delete("/{document_id:uuid}", status_code=204, response_class=Response)
async def delete_document(document_id: Key, store: StoreDep, now: Now) -> Response:
    """Deletes a document."""
    await store.write(block_documents.delete_document, str(document_id), now)
    return nothing()
