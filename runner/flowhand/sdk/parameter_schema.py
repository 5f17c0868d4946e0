"""The OpenAPI schema of a flow's parameters, as deployments carry it (contract 2.1). Imports pydantic."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any, Final

from pydantic import PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, PydanticJsonSchemaWarning

from flowhand.sdk.coercion import annotation_of

_REFERENCE: Final = "#/definitions/{model}"


def parameter_schema(signature: inspect.Signature, descriptions: Mapping[str, str]) -> dict[str, Any]:
    """Title, type, default, position and description of each parameter, and which are required.

    A type that JSON Schema cannot say is left open: such a parameter takes anything.
    """
    schema: dict[str, Any] = {"title": "Parameters", "type": "object", "properties": {}}
    required: list[str] = []
    definitions: dict[str, Any] = {}
    for position, (name, parameter) in enumerate(signature.parameters.items()):
        found = _of_annotation(annotation_of(parameter), definitions)
        about: dict[str, Any] = {"allOf": [found]} if "$ref" in found else found
        about |= {"title": name, "position": position}
        if name in descriptions:
            about["description"] = descriptions[name]
        if parameter.default is not inspect.Parameter.empty:
            about |= _default(parameter.default)
        elif parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            required.append(name)
        schema["properties"][name] = about
    if required:
        schema["required"] = required
    if definitions:
        schema["definitions"] = definitions
    return schema


def _of_annotation(annotation: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        found = adapter.json_schema(ref_template=_REFERENCE, schema_generator=_Lenient)
    except (PydanticUserError, NameError, TypeError):
        return {}
    definitions |= found.pop("$defs", {})
    found.pop("title", None)
    return found


class _Lenient(GenerateJsonSchema):
    """Leaves open what JSON Schema cannot say, in place of failing."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}


def _default(value: Any) -> dict[str, Any]:
    """The default as JSON; nothing when it has no such form."""
    adapter: TypeAdapter[Any] = TypeAdapter(Any)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PydanticJsonSchemaWarning)
            return {"default": adapter.dump_python(value, mode="json")}
    except (ValueError, TypeError, PydanticUserError):
        return {}
