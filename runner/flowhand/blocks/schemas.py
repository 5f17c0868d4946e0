"""The JSON schema that a block type is known by (contract 9). The same class gives the same checksum as at a Prefect client."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from flowhand.blocks.registry import is_block_class
from flowhand.blocks.secret_types import secret_paths
from flowhand.wire.blocks import checksum

if TYPE_CHECKING:
    from flowhand.blocks.block import Block
    from flowhand.blocks.described import Described

REF_TEMPLATE = "#/definitions/{model}"


def describe(schema: dict[str, Any], kind: type[Described]) -> None:
    """Adds to pydantic's schema of a block class what blocks have beyond it. Also called for nested ones."""
    schema["block_type_slug"] = kind.get_block_type_slug()
    schema["secret_fields"] = secret_paths(kind)
    schema["block_schema_references"] = _references(kind)
    description = kind.get_description()
    schema.pop("description", None)
    if description:
        schema["description"] = description


def finished(schema: dict[str, Any], kind: type[Described], *, by_alias: bool) -> dict[str, Any]:
    """Pydantic's schema in the form of the contract: positions of the fields, `definitions` in place of `$defs`."""
    schema = _without(schema, "additionalProperties")
    definitions = schema.pop("$defs", None)
    _number(schema, kind, by_alias)
    if definitions:
        nested = {block.__name__: block for block in nested_blocks(kind)}
        for name, body in definitions.items():
            if name in nested:
                _number(body, nested[name], by_alias)
        schema["definitions"] = definitions
    return schema


def schema_checksum(kind: type[Described]) -> str:
    """What the API knows the schema by."""
    return checksum(kind.model_json_schema())


def nested_blocks(model: type[BaseModel]) -> list[type[Block]]:
    """The block classes among a model's fields, and among theirs, each once; those that hold none of the others first."""
    found: dict[type[Block], None] = {}
    _collect(model, found, {model})
    return list(found)


def _collect(model: type[BaseModel], found: dict[type[Block], None], seen: set[type]) -> None:
    for _, block in _blocks_in(model):
        if block not in seen:
            seen.add(block)
            _collect(block, found, seen)
            found[block] = None


def _blocks_in(model: type[BaseModel]) -> Iterator[tuple[str, type[Block]]]:
    for name, field in model.model_fields.items():
        for block in _classes_in(field.annotation):
            yield name, block


def _classes_in(annotation: Any) -> Iterator[type[Block]]:
    if is_block_class(annotation):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _classes_in(part)


def _references(kind: type[Described]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, block in _blocks_in(kind):
        reference = {"block_type_slug": block.get_block_type_slug(), "block_schema_checksum": schema_checksum(block)}
        if name not in found:
            found[name] = reference
        else:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), reference]
    return found


def _number(schema: dict[str, Any], kind: type[BaseModel], by_alias: bool) -> None:
    properties = schema.get("properties") or {}
    for position, (name, field) in enumerate(kind.model_fields.items()):
        key = field.alias or name if by_alias else name
        if key in properties:
            properties[key]["position"] = position


def _without(value: Any, key: str) -> Any:
    """Nested objects are searched, lists are not: so the contract's checksums are made."""
    if not isinstance(value, dict):
        return value
    return {name: _without(part, key) for name, part in typing.cast("dict[str, Any]", value).items() if name != key}
