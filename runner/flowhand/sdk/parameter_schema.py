"""The OpenAPI schema of a flow's parameters, as deployments carry it (contract 2.1). Imports pydantic."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Mapping
from typing import Any, Final

from pydantic import PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, PydanticJsonSchemaWarning

from flowhand.sdk.coercion import annotation_of

_REFERENCE: Final = "#/definitions/{model}"


def parameter_schema(signature: inspect.Signature, descriptions: Mapping[str, str]) -> dict[str, Any]:
    """Title, type, default, position and description of each parameter, and which are required.

    A type that JSON Schema cannot say is left open: such a parameter takes anything.
    """
    types, definitions = _types(signature)
    properties: dict[str, Any] = {}
    for position, (name, parameter) in enumerate(signature.parameters.items()):
        about: dict[str, Any] = {**types.get(name, {}), "title": name, "position": position}
        if name in descriptions:
            about["description"] = descriptions[name]
        properties[name] = about | _default(parameter.default)
    schema: dict[str, Any] = {"title": "Parameters", "type": "object", "properties": properties}
    required = [name for name, parameter in signature.parameters.items() if _is_required(parameter)]
    if required:
        schema["required"] = required
    if definitions:
        schema["definitions"] = definitions
    return schema


def _is_required(parameter: inspect.Parameter) -> bool:
    variadic = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return not variadic and parameter.default is inspect.Parameter.empty


def _types(signature: inspect.Signature) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The schema of each parameter's type, and the definitions that they refer to."""
    adapters: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = []
    for name, parameter in signature.parameters.items():
        with contextlib.suppress(PydanticUserError, NameError, TypeError):
            adapters.append((name, "validation", TypeAdapter(annotation_of(parameter))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PydanticJsonSchemaWarning)
        found, rest = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCE, schema_generator=_Lenient)
    types: dict[str, dict[str, Any]] = {}
    for (name, _mode), schema in found.items():
        schema.pop("title", None)
        types[str(name)] = {"allOf": [schema]} if "$ref" in schema else schema
    return types, rest.get("$defs", {})


class _Lenient(GenerateJsonSchema):
    """Leaves open what JSON Schema cannot say, in place of failing."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}


def _default(value: Any) -> dict[str, Any]:
    """The default as JSON; nothing when there is none, or when it has no such form."""
    if value is inspect.Parameter.empty:
        return {}
    adapter: TypeAdapter[Any] = TypeAdapter(Any)
    with contextlib.suppress(ValueError, TypeError, PydanticUserError):
        return {"default": adapter.dump_python(value, mode="json")}
    return {}
