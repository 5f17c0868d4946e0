"""`Block`: what all blocks are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

from pydantic import ConfigDict, ModelWrapValidatorHandler, PrivateAttr, model_validator

from flowhand.blocks import errands, registry
from flowhand.blocks.described import Described
from flowhand.blocks.loaded import told
from flowhand.blocks.secret_types import secret_texts
from flowhand.sdk.api import perform
from flowhand.sdk.dual import dual, run_plain
from flowhand.sdk.secrets import conceal

_SLUG = "block_type_slug"


class Block(Described):
    """Fields that are kept at the API under a name, and what can be done with them. Subclass it and give it fields:

        class Door(Block):
            code: SecretStr
            floor: int = 0

        Door(code="1234").save("front")
        Door.load("front").code.get_secret_value()

    Secret fields (`SecretStr`, `SecretBytes`, `Secret[...]`, `SecretDict`) are encrypted at the server and masked in what a run says.
    `save`, `load`, `load_from_ref`, `delete` and `register_type_and_schema` are plain in plain code and awaited in async code.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    _block_document_id: str | None = PrivateAttr(None)
    _block_document_name: str | None = PrivateAttr(None)
    _is_anonymous: bool | None = PrivateAttr(None)

    # --- defining ----------------------------------------------------------------------------------------------------------------------

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.is_concrete():
            registry.register(cls)

    def block_initialization(self) -> None:
        """Called once the fields are set; for subclasses."""

    def model_post_init(self, context: Any, /) -> None:
        """Part of pydantic's protocol."""
        super().model_post_init(context)
        self.block_initialization()

    @model_validator(mode="wrap")
    @classmethod
    def _of_its_class(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """A mapping that says of which type it is becomes a block of that; fields that are not there get a hint."""
        if not isinstance(value, Mapping):
            return handler(value)
        if list(value) == ["$ref"]:
            return cls._referred(value["$ref"])
        fields: dict[str, Any] = dict(value)
        slug = fields.pop(_SLUG, None) if _SLUG not in cls.model_fields else None
        if slug is not None and (not cls.is_concrete() or slug != cls.get_block_type_slug()):
            kind = registry.class_of(str(slug))
            if not issubclass(kind, cls):
                raise ValueError(f"a block of the type {slug!r} is no {cls.__name__}")
            return kind.model_validate(fields)
        cls._refuse_unknown(fields)
        return handler(fields)

    @classmethod
    def _referred(cls, reference: Any) -> Self:
        """The saved block that a flow's parameter refers to."""
        return run_plain(perform(errands.load_by_reference(cls, reference)))

    @classmethod
    def _refuse_unknown(cls, fields: Mapping[str, Any]) -> None:
        if cls.model_config.get("extra") != "forbid":
            return
        names = [name for own, field in cls.model_fields.items() for name in (own, field.alias) if name]
        for name in sorted(fields.keys() - set(names)):
            near = difflib.get_close_matches(name, names, 1, 0.6)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(cls.model_fields) or 'none'}"
            raise ValueError(f"{cls.__name__} has no field {name!r}; {hint}")

    @classmethod
    def get_block_class_from_key(cls, key: str) -> type[Block]:
        """The class of a type's slug. UnknownBlockType."""
        return registry.class_of(key)

    # --- saved -------------------------------------------------------------------------------------------------------------------------

    @property
    def is_anonymous(self) -> bool:
        """Whether it was saved without a name of its own."""
        return bool(self._is_anonymous)

    def remember_document(self, document_id: str, name: str | None, *, is_anonymous: bool = False) -> None:
        """Remembers as what it is saved, and lets a run mask what is secret in it."""
        self._block_document_id, self._block_document_name, self._is_anonymous = document_id, name, is_anonymous
        for text in secret_texts(self):
            conceal(text)

    def get_block_placeholder(self) -> str:
        """The template by which pull steps and job variables refer to it, without braces. ValueError for a block that is not saved."""
        if not self._block_document_name:
            raise ValueError(f"the {type(self).__name__} block is not saved: nothing can refer to it")
        return f"prefect.blocks.{self.get_block_type_slug()}.{self._block_document_name}"

    @classmethod
    @dual
    async def register_type_and_schema(cls, client: Any = None) -> None:
        """Lets the API know the type and its fields. Idempotent; `save` does it."""
        await perform(errands.register(cls))

    @dual
    async def save(self, name: str | None = None, overwrite: bool = False, *, is_anonymous: bool = False, client: Any = None) -> str:
        """Saves it under a name and answers the document's id. Idempotent with `overwrite`.

        ValueError when the name is missing, or taken and `overwrite` is not set. Blocks in its fields that are saved are referred to,
        others become a part of it.
        """
        return await perform(errands.save(self, name, overwrite=overwrite, is_anonymous=is_anonymous))

    @classmethod
    @dual
    async def load(cls, name: str, validate: bool = True, client: Any = None) -> Self:
        """The block of this name; `Block.load("type/name")` for one of any type, whose class must be known here.

        BlockNotFound (an ObjectNotFound and a ValueError) names one that is not there; InvalidBlock says which field does not fit, unless
        `validate` is off.
        """
        return told(await perform(errands.load(cls, name, validate=validate)))

    @classmethod
    @dual
    async def load_from_ref(cls, ref: str | UUID | Mapping[str, Any], validate: bool = True, client: Any = None) -> Self:
        """The block that a reference means: an id, `type/name`, or a mapping with `block_document_id` or `block_document_slug`."""
        return told(await perform(errands.load_by_reference(cls, ref, validate=validate)))

    @classmethod
    @dual
    async def delete(cls, name: str, client: Any = None) -> None:
        """Deletes the block of this name. BlockNotFound."""
        await perform(errands.delete(cls, name))
