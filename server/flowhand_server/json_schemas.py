"""Checks of parameters and job variables against JSON schemas, as the contract makes them (contract 4.4, 10). Pure.

Schemas come from pydantic of both generations, so two of the older one's habits are mended first: a property that need not be given may be
null, and `items` as a list means `prefixItems`. Checkers are kept by the schema's text, since a deployment's schema is asked for each run.
How much work a check may be is bounded in `metered_schemas`. To ask whether a schema is one at all is not: that belongs in a thread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from flowhand.errors import FlowhandError
from flowhand_server.metered_schemas import MeteredValidator, WithoutUnevaluated, first_fault
from flowhand_server.pattern_effort import LONGEST

_REFERENCE: Final = {
    "type": "object",
    "properties": {"$ref": {"oneOf": [{"type": "string", "format": "uuid"}, {"type": "object", "minProperties": 1}]}},
    "required": ["$ref"],
}
"""How a value may point at a stored block in place of being one."""
_PATTERNS: Final = FormatChecker(())
"""What a schema itself must be besides its shape: its patterns are some. Those that no check looks at are taken as they are."""


class DoesNotFit(FlowhandError):
    """A value does not fit its schema; the text says which part and why."""


def check(value: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool = True, null_for_default: bool = False) -> None:
    """DoesNotFit unless `value` fits `schema`.

    `required` asks for the schema's required properties. `null_for_default` lets a property that has a default be null. What would take
    too long to say fits.
    """
    checker = _checker(_text(schema), required, null_for_default)
    try:
        error = first_fault(checker, value)
    except Unresolvable as unknown:
        raise DoesNotFit(f"Validation failed. Failure reason: {unknown}") from None
    except RecursionError:
        raise DoesNotFit("Validation failed. Failure reason: the schema refers to itself without end") from None
    if error is not None:
        raise DoesNotFit(_words(error))


def check_schema(schema: Mapping[str, Any]) -> None:
    """DoesNotFit unless this is a JSON schema. Takes seconds for a large one that is new."""
    fault = _fault(_text(schema))
    if fault is not None:
        raise DoesNotFit(f"The provided schema is not a valid json schema. Schema error: {fault}")


@lru_cache(maxsize=128)
def _fault(text: bytes) -> str | None:
    try:
        Draft202012Validator.check_schema(orjson.loads(text), format_checker=_PATTERNS)
    except SchemaError as error:
        return error.message
    except RecursionError:
        return "it is nested too deeply"
    return None


@_PATTERNS.checks("regex", raises=(re.error, OverflowError, RecursionError))
def _is_pattern(value: object) -> bool:
    return not isinstance(value, str) or len(value) > LONGEST or bool(re.compile(value))


def _text(schema: Mapping[str, Any]) -> bytes:
    return orjson.dumps(schema, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def _words(error: ValidationError) -> str:
    where = "" if error.json_path == "$" else f" for field {error.json_path.removeprefix('$.')!r}"
    return f"Validation failed{where}. Failure reason: {error.message}"


@lru_cache(maxsize=512)
def _checker(text: bytes, required: bool, null_for_default: bool) -> Validator:
    schema = _without_dialects(orjson.loads(text))
    _mend(schema, null_for_default)
    definitions = schema.get("definitions", {})
    for name, definition in list(definitions.items()):
        _mend(definition, null_for_default)
        if "block_type_slug" in definition:
            definitions[name] = {"oneOf": [definition, _REFERENCE]}
    if not required:
        schema = _without_required(schema)
    # an empty registry: a schema from outside must not make the server fetch anything
    kind = WithoutUnevaluated if b'"patternProperties"' in text else MeteredValidator
    return kind(schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def _without_dialects(schema: Any) -> Any:
    """All is read as one dialect, whatever a schema or a part of it says that it is written in."""
    if isinstance(schema, list):
        return [_without_dialects(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _without_dialects(part) for key, part in schema.items() if key != "$schema" or isinstance(part, dict)}


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
