"""Bodies of block types, schemas and documents (contract 9)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import Field

from flowhand.wire.body import Answer, Entity, Id, Name, Request

NON_VERSIONED = "non-versioned"
OBFUSCATED = "********"


class BlockTypeCreate(Request):
    """A kind of block."""

    name: Name
    slug: str
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None


class BlockTypeUpdate(Request):
    """Changes to a block type."""

    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None


class BlockType(Entity):
    """A kind of block. A protected one is the server's own."""

    name: str
    slug: str
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None
    is_protected: bool = False


class BlockSchemaCreate(Request):
    """The fields of a block type at one version, as JSON schema."""

    fields: dict[str, Any] = Field(default_factory=dict)
    block_type_id: Id
    capabilities: list[str] = Field(default_factory=list)
    version: str = NON_VERSIONED


class BlockSchema(Entity):
    """A stored schema, known by its checksum."""

    checksum: str
    fields: dict[str, Any] = Field(default_factory=dict)
    block_type_id: str | None = None
    block_type: BlockType | None = None
    capabilities: list[str] = Field(default_factory=list)
    version: str = NON_VERSIONED


class BlockDocumentCreate(Request):
    """A filled-in block. An anonymous one has no name of its own."""

    name: Name | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    block_schema_id: Id
    block_type_id: Id
    is_anonymous: bool = False


class BlockDocumentUpdate(Request):
    """Changes to a document; `merge_existing_data` keeps the fields that are not named."""

    block_schema_id: Id | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    merge_existing_data: bool = True


class BlockDocument(Entity):
    """A document with its type and schema."""

    name: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    block_schema_id: str
    block_schema: BlockSchema | None = None
    block_type_id: str
    block_type_name: str | None = None
    block_type: BlockType | None = None
    block_document_references: dict[str, dict[str, Any]] = Field(default_factory=dict)
    is_anonymous: bool = False


class Reference(Answer):
    """How a document's data points at another document."""

    block_document_id: Id


def checksum(fields: dict[str, Any]) -> str:
    """The checksum a schema is known by: of its fields without secrets' paths and without the definitions of nested blocks (contract 9)."""
    bare = _without_secret_paths(fields)
    definitions = {name: body for name, body in bare.pop("definitions", {}).items() if "block_schema_references" not in body}
    if definitions:
        bare["definitions"] = definitions
    text = json.dumps([[bare], {}], sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _without_secret_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secret_paths(part) for key, part in value.items() if key != "secret_fields"}
    if isinstance(value, list):
        return [_without_secret_paths(part) for part in value]
    return value
