"""Checks of parameters and job variables against JSON schemas, as the contract makes them (contract 4.4, 10). Pure.

Schemas come from pydantic of both generations, so two of the older one's habits are mended first: a property that need not be given may be
null, and `items` as a list means `prefixItems`. Checkers are kept by the schema's text, since a deployment's schema is asked for each run.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from flowhand.errors import FlowhandError

_REFERENCE: Final = {
    "type": "object",
    "properties": {"$ref": {"oneOf": [{"type": "string", "format": "uuid"}, {"type": "object", "minProperties": 1}]}},
    "required": ["$ref"],
}
"""How a value may point at a stored block in place of being one."""


class DoesNotFit(FlowhandError):
    """A value does not fit its schema; the text says which part and why."""


def check(value: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool = True, null_for_default: bool = False) -> None:
    """DoesNotFit unless `value` fits `schema`.

    `required` asks for the schema's required properties. `null_for_default` lets a property that has a default be null.
    """
    checker = _checker(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS), required, null_for_default)
    try:
        error = next(iter(checker.iter_errors(value)), None)
    except Unresolvable as unknown:
        raise DoesNotFit(f"Validation failed. Failure reason: {unknown}") from None
    except RecursionError:
        raise DoesNotFit("Validation failed. Failure reason: the schema refers to itself without end") from None
    if error is not None:
        raise DoesNotFit(_words(error))


def check_schema(schema: Mapping[str, Any]) -> None:
    """DoesNotFit unless this is a JSON schema."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise DoesNotFit(f"The provided schema is not a valid json schema. Schema error: {error.message}") from None


def _words(error: ValidationError) -> str:
    where = "" if error.json_path == "$" else f" for field {error.json_path.removeprefix('$.')!r}"
    return f"Validation failed{where}. Failure reason: {error.message}"


@lru_cache(maxsize=512)
def _checker(text: bytes, required: bool, null_for_default: bool) -> Validator:
    schema = orjson.loads(text)
    _mend(schema, null_for_default)
    definitions = schema.get("definitions", {})
    for name, definition in list(definitions.items()):
        _mend(definition, null_for_default)
        if "block_type_slug" in definition:
            definitions[name] = {"oneOf": [definition, _REFERENCE]}
    if not required:
        schema = _without_required(schema)
    # an empty registry: a schema from outside must not make the server fetch anything
    return Draft202012Validator(schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def _mend(schema: dict[str, Any], null_for_default: bool) -> None:
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        if not isinstance(part, dict):
            continue
        if name not in required and part.get("type", "null") != "null" and (null_for_default or "default" not in part):
            part["anyOf"] = [{"type": part.pop("type")}, {"type": "null"}]
        if isinstance(part.get("items"), list) and "prefixItems" not in part:
            part["prefixItems"] = part.pop("items")
        _mend(part, null_for_default)


def _without_required(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    return {key: _without_required(part) for key, part in schema.items() if key != "required"}


def check_job_variables(template: Mapping[str, Any] | None, *layers: Mapping[str, Any] | None, required: bool) -> None:
    """DoesNotFit unless the layers of job variables, laid over the template's defaults, fit its `variables` schema.

    Defaults that do not fit themselves are left out, and then nothing can be said to be missing (contract 10).
    """
    schema = (template or {}).get("variables") or {}
    if not schema:
        return
    defaults, whole = _defaults(schema)
    merged = dict(defaults)
    for layer in layers:
        merged.update(layer or {})
    check(merged, schema, required=required and whole, null_for_default=True)


def _defaults(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The defaults that fit, and whether all did. References to blocks are taken as they are."""
    fitting: dict[str, Any] = {}
    whole = True
    for name, part in (schema.get("properties") or {}).items():
        if not isinstance(part, dict) or "default" not in part:
            continue
        value = part["default"]
        if isinstance(value, dict) and "$ref" in value:
            continue
        try:
            check({name: value}, schema, required=False)
        except DoesNotFit:
            whole = False
        else:
            fitting[name] = value
    return fitting, whole
