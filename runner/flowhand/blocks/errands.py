"""Saving, finding and deleting blocks at the API, as errands (contract 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from flowhand.blocks.documents import block_of, data_of, document_name_of
from flowhand.blocks.schemas import nested_blocks, schema_checksum
from flowhand.client import blocks
from flowhand.client.call import Call, Errand, Json
from flowhand.errors import ObjectAlreadyExists, ObjectNotFound

if TYPE_CHECKING:
    from flowhand.blocks.block import Block

    B = TypeVar("B", bound=Block)


class BlockNotFound(ObjectNotFound, ValueError):
    """The API has no block of this name."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What the API knows a class by."""

    type_id: str
    schema_id: str


def register(kind: type[Block]) -> Errand[Registered]:
    """Makes the type and the schema of a class, and of those in its fields, where they are missing. Idempotent."""
    for nested in nested_blocks(kind):
        if nested.is_concrete():
            yield from _register(nested)
    return (yield from _register(kind))


def _register(kind: type[Block]) -> Errand[Registered]:
    known = yield from _type(kind)
    version = kind.get_block_schema_version()
    try:
        schema: Json = yield blocks.read_schema(schema_checksum(kind), version)
    except ObjectNotFound:
        body = {"fields": kind.model_json_schema(), "capabilities": sorted(kind.get_block_capabilities()), "version": version}
        schema = yield blocks.create_schema({**body, "block_type_id": known["id"]})
    return Registered(known["id"], schema["id"])


def _type(kind: type[Block]) -> Errand[Json]:
    body = kind.block_type_body()
    try:
        known: Json = yield blocks.read_type(body["slug"])
    except ObjectNotFound:
        try:
            return (yield blocks.create_type(body))
        except ObjectAlreadyExists:  # somebody was faster
            return (yield blocks.read_type(body["slug"]))
    changes = {
        name: body[name] for name in ("logo_url", "documentation_url", "description", "code_example") if body[name] != known.get(name)
    }
    if changes and not kind.is_built_in():  # of those each server has its own words
        yield blocks.update_type(known["id"], changes)
    return known


def save(block: Block, name: str | None = None, *, overwrite: bool = False, is_anonymous: bool = False) -> Errand[str]:
    """Saves the block under `name`, or under the one it has, and answers the document's id. Blocks in its fields are not saved with it.

    An anonymous one needs no name and is not listed. ValueError when the name is missing, or taken and `overwrite` is not set.
    """
    name = name or (None if is_anonymous else document_name_of(block))
    slug = block.get_block_type_slug()
    if name is None and not is_anonymous:
        raise ValueError(f'a block is saved under a name: {type(block).__name__}(...).save("my-{slug}")')
    known = yield from register(type(block))
    content = {"block_schema_id": known.schema_id, "data": data_of(block)}
    body = {"name": name, "block_type_id": known.type_id, "is_anonymous": is_anonymous, **content}
    try:
        document: Json = yield blocks.create(slug, body)
    except ObjectAlreadyExists:
        if not overwrite:
            raise ValueError(f"there is a block {slug}/{name} already; save(..., overwrite=True) replaces what it holds") from None
        document = yield blocks.read(slug, str(name))
        yield blocks.update(document["id"], content)
    block.remember_document(document["id"], document.get("name"), is_anonymous=is_anonymous)
    return document["id"]


def load(kind: type[B], name: str, *, validate: bool = True) -> Errand[B]:
    """The block of this name. BlockNotFound names it; else as `documents.block_of`."""
    slug, own = where(kind, name)
    return block_of((yield from _found(blocks.read(slug, own, secrets=True), f"{slug}/{own}")), kind, validate=validate)


def load_by_id(kind: type[B], document_id: str, *, validate: bool = True) -> Errand[B]:
    """The block of this id, also an anonymous one."""
    return block_of((yield from _found(blocks.read_by_id(document_id, secrets=True), document_id)), kind, validate=validate)


def load_by_reference(kind: type[B], reference: Any, *, validate: bool = True) -> Errand[B]:
    """The block that a reference means: an id, `type/name`, or a mapping with `block_document_id` or `block_document_slug`. ValueError."""
    fields = cast("Mapping[str, Any]", reference) if isinstance(reference, Mapping) else {}
    given = fields.get("block_document_id") or fields.get("block_document_slug") if fields else reference
    if not isinstance(given, str | UUID):
        raise ValueError("a reference to a block is its id, its type/name, or a mapping with block_document_id or block_document_slug")
    text = str(given)
    return (yield from load(kind, text, validate=validate) if "/" in text else load_by_id(kind, text, validate=validate))


def delete(kind: type[Block], name: str) -> Errand[None]:
    """Deletes the block of this name. BlockNotFound."""
    slug, own = where(kind, name)
    document = yield from _found(blocks.read(slug, own), f"{slug}/{own}")
    yield blocks.delete(document["id"])


def where(kind: type[Block], name: str) -> tuple[str, str]:
    """The type's slug and the document's name: `name` is the latter, or both with a slash between. ValueError."""
    slug, slash, own = name.partition("/")
    if slash and (not slug or not own or (kind.is_concrete() and slug != kind.get_block_type_slug())):
        raise ValueError(f"{name!r} is not the name of a {kind.__name__} block")
    if not slash and not kind.is_concrete():
        raise ValueError(f"{name!r} does not say of which type the block is: write type/name, such as 'secret/{name}'")
    return (slug, own) if slash else (kind.get_block_type_slug(), name)


def _found(call: Call[Json], name: str) -> Errand[Mapping[str, Any]]:
    try:
        return (yield call)
    except ObjectNotFound as error:
        raise BlockNotFound(f"there is no block {name}", detail=error.detail) from None
