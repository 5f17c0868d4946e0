"""Between a block and the data of its document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from flowhand.blocks.registry import class_of, is_block_class
from flowhand.blocks.secret_types import is_secret
from flowhand.errors import FlowhandError

if TYPE_CHECKING:
    from flowhand.blocks.block import Block

    B = TypeVar("B", bound=Block)


class InvalidBlock(FlowhandError, ValueError):
    """A document holds other fields than the class that reads it."""


def data_of(block: Block) -> dict[str, Any]:
    """The block's fields as JSON, secrets in the clear: what is sent to the API. A saved block in a field is a reference."""
    return _plain(block, block.model_dump(mode="json", by_alias=True, serialize_as_any=True))


def _plain(value: Any, shown: Any) -> Any:
    """`value` with its secrets revealed; `shown` is how pydantic writes it with its secrets hidden."""
    if is_secret(value):
        return to_jsonable_python(value.get_secret_value())
    if isinstance(value, BaseModel) and isinstance(shown, dict):
        keys = {(field.serialization_alias or field.alias or name): name for name, field in type(value).model_fields.items()}
        return {key: _part(getattr(value, keys[key]), part) if key in keys else part for key, part in shown.items()}
    if isinstance(value, Mapping) and isinstance(shown, dict) and len(value) == len(shown):
        parts = cast("Mapping[Any, Any]", value).values()
        return {key: _part(part, form) for part, (key, form) in zip(parts, shown.items(), strict=True)}
    if isinstance(value, list | tuple | set | frozenset) and isinstance(shown, list):
        return [_part(part, form) for part, form in zip(cast("Iterable[Any]", value), shown, strict=True)]
    return shown


def _part(value: Any, shown: Any) -> Any:
    if not is_block_class(type(value)):
        return _plain(value, shown)
    if (document_id := document_id_of(value)) is not None:
        return {"$ref": {"block_document_id": document_id}}
    return _plain(value, shown) | {"block_type_slug": value.get_block_type_slug()}


def document_id_of(block: Any) -> str | None:
    """Under which id it is saved; None when it is not, or is no block."""
    return getattr(block, "_block_document_id", None)


def document_name_of(block: Any) -> str | None:
    """Under which name it is saved; None when it is not, or is no block."""
    return getattr(block, "_block_document_name", None)


def block_of(document: Mapping[str, Any], kind: type[B], *, validate: bool = True) -> B:
    """The block that a document of the API holds: of `kind`, or, when that is `Block` itself, of its type's class.

    InvalidBlock when the fields do not fit; without `validate` they are taken as they are. UnknownBlockType.
    """
    slug = str((document.get("block_type") or {}).get("slug") or "")
    chosen = _class_for(kind, slug)
    data = _with_slugs(document.get("data") or {}, document.get("block_document_references") or {})
    try:
        block = chosen.model_validate(_known(chosen, data))
    except ValidationError as error:
        if validate:
            raise InvalidBlock(f"block {slug}/{document.get('name')} does not fit {chosen.__name__}: {_in_words(error)}") from None
        block = chosen.model_construct(**data)
    block.remember_document(document["id"], document.get("name"), is_anonymous=bool(document.get("is_anonymous")))
    _stamp_nested(block, document.get("block_document_references") or {})
    return block


def _class_for(kind: type[B], slug: str) -> type[B]:
    if kind.is_concrete() and slug in ("", kind.get_block_type_slug()):
        return kind
    found = class_of(slug)
    if not issubclass(found, kind):
        raise InvalidBlock(f"a block of the type {slug!r} is no {kind.__name__}")
    return found


def _known(kind: type[Block], data: Mapping[str, Any]) -> dict[str, Any]:
    """Documents may come from a newer client: fields that a closed class does not have are left where they are."""
    if kind.model_config.get("extra") != "forbid":
        return dict(data)
    names = {name for own, field in kind.model_fields.items() for name in (own, field.alias) if name}
    return {name: value for name, value in data.items() if name in names}


def _with_slugs(data: Mapping[str, Any], references: Mapping[str, Any]) -> dict[str, Any]:
    """Nested documents say of which type they are, so that a field that takes several gets the right one."""
    whole = dict(data)
    for name, reference in references.items():
        nested = reference.get("block_document") or {}
        slug = (nested.get("block_type") or {}).get("slug")
        if isinstance(whole.get(name), Mapping):
            whole[name] = _with_slugs(whole[name], nested.get("block_document_references") or {})
            if slug:
                whole[name] = {"block_type_slug": slug, **whole[name]}
    return whole


def _stamp_nested(block: Any, references: Mapping[str, Any]) -> None:
    for name, reference in references.items():
        nested, child = reference.get("block_document") or {}, getattr(block, name, None)
        if child is not None and is_block_class(type(child)) and nested.get("id"):
            child.remember_document(nested["id"], nested.get("name"), is_anonymous=bool(nested.get("is_anonymous")))
            _stamp_nested(child, nested.get("block_document_references") or {})


def _in_words(error: ValidationError) -> str:
    """No value in it: it may be a secret."""
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors(include_input=False, include_url=False)
    )
