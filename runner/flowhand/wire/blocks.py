"""Bodies of block types, schemas and documents (contract 9)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from pydantic import Field, model_validator

from flowhand.wire.body import Answer, Entity, Id, Name, Request, Slug

NON_VERSIONED = "non-versioned"
OBFUSCATED = "********"


class BlockTypeCreate(Request):
    """A kind of block."""

    name: Name
    slug: Slug
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

    name: Slug | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    block_schema_id: Id
    block_type_id: Id
    is_anonymous: bool = False

    @model_validator(mode="after")
    def _has_a_name(self) -> BlockDocumentCreate:
        if self.name is None and not self.is_anonymous:
            raise ValueError("Names must be provided for block documents that are not anonymous.")
        return self


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
    """The checksum a schema is known by: of its fields without the paths of secrets and without the definitions of nested blocks.

    The form is the contract's (contract 9): SHA-256 over `json.dumps([[fields], {}], sort_keys=True)`.
    """
    bare = _without_secret_paths(fields)
    definitions = bare.pop("definitions", None)
    kept = plain_definitions({**bare, "definitions": definitions}, definitions) if definitions else {}
    if kept:
        bare["definitions"] = kept
    text = json.dumps([[bare], {}], sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def plain_definitions(part: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The definitions that `part` refers to, directly or through another, and that are no blocks."""
    found: dict[str, Any] = {}
    waiting = list(_references(part))
    while waiting:
        name = waiting.pop().removeprefix("#/definitions/")
        body = definitions.get(name)
        if name not in found and body and body.get("block_type_slug") is None:
            found[name] = body
            waiting.extend(_references(body))
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "$ref" and isinstance(part, str):
                yield part
            else:
                yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def _without_secret_paths(fields: Any) -> Any:
    """Nested objects are searched, lists are not: so the contract's checksums are made."""
    if not isinstance(fields, dict):
        return fields
    return {key: _without_secret_paths(part) for key, part in fields.items() if key != "secret_fields"}
