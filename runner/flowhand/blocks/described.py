"""How a block class describes its type: name, slug, capabilities, and the schema of its fields (contract 9)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import GenerateJsonSchema

from flowhand.blocks import registry, schemas
from flowhand.blocks.naming import description_in, example_in, slug_of
from flowhand.wire.blocks import NON_VERSIONED


def _describe(schema: dict[str, Any], kind: type[BaseModel]) -> None:
    if registry.is_block_class(kind):
        schemas.describe(schema, kind)


class Described(BaseModel):
    """What of a block belongs to its class. Subclasses of `Block` set what begins with an underscore."""

    model_config = ConfigDict(json_schema_extra=_describe)

    _block_type_name: ClassVar[str | None] = None
    _block_type_slug: ClassVar[str | None] = None
    _block_schema_capabilities: ClassVar[Collection[str] | None] = None
    _block_schema_version: ClassVar[str | None] = None
    _logo_url: ClassVar[Any] = None
    _documentation_url: ClassVar[Any] = None
    _description: ClassVar[str | None] = None
    _code_example: ClassVar[str | None] = None

    @classmethod
    def is_concrete(cls) -> bool:
        """Whether there can be documents of this very class: not of `Block`, and not of a class with abstract methods."""
        return cls.__module__ != "flowhand.blocks.block" and not inspect.isabstract(cls)

    @classmethod
    def is_built_in(cls) -> bool:
        """Whether it comes with flowhand."""
        return registry.BUILT_IN.get(cls.get_block_type_slug()) == cls.__module__

    @classmethod
    def get_block_type_name(cls) -> str:
        """`_block_type_name`, else the class's name."""
        return cls._block_type_name or cls.__name__

    @classmethod
    def get_block_type_slug(cls) -> str:
        """The type's name as it stands in addresses and templates."""
        return slug_of(cls._block_type_slug or cls.get_block_type_name())

    @classmethod
    def get_block_capabilities(cls) -> frozenset[str]:
        """What it and its base classes can do, such as `get-directory`."""
        return frozenset(name for base in cls.__mro__ for name in vars(base).get("_block_schema_capabilities") or ())

    @classmethod
    def get_block_schema_version(cls) -> str:
        """`_block_schema_version`, else the `__version__` of the package that it is defined in."""
        package = sys.modules.get(cls.__module__.partition(".")[0])
        return cls._block_schema_version or str(getattr(package, "__version__", NON_VERSIONED))

    @classmethod
    def get_description(cls) -> str | None:
        """`_description`, else the docstring up to its first section."""
        return cls._description or description_in(vars(cls).get("__doc__"))

    @classmethod
    def get_code_example(cls) -> str | None:
        """`_code_example`, else the docstring's example."""
        return inspect.cleandoc(cls._code_example) if cls._code_example else example_in(vars(cls).get("__doc__"))

    @classmethod
    def block_type_body(cls) -> dict[str, Any]:
        """The type as the API is told of it (`wire.blocks.BlockTypeCreate`)."""
        return {
            "name": cls.get_block_type_name(),
            "slug": cls.get_block_type_slug(),
            "logo_url": str(cls._logo_url) if cls._logo_url else None,
            "documentation_url": str(cls._documentation_url) if cls._documentation_url else None,
            "description": cls.get_description(),
            "code_example": cls.get_code_example(),
        }

    @classmethod
    def model_json_schema(
        cls,
        by_alias: bool | None = True,
        ref_template: str = schemas.REF_TEMPLATE,
        schema_generator: type[GenerateJsonSchema] = GenerateJsonSchema,
        mode: Any = "validation",
        **options: Any,
    ) -> dict[str, Any]:
        """Its fields as the API knows them (contract 9)."""
        made = super().model_json_schema(by_alias, ref_template, schema_generator, mode, **options)
        return schemas.finished(made, cls, by_alias=bool(by_alias))
