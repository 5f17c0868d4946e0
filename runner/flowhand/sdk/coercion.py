"""Values to types, by pydantic in its lax mode. Imported only when there is something to coerce."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError, TypeAdapter, ValidationError

from flowhand.errors import ParameterError

_LOOSE = ConfigDict(arbitrary_types_allowed=True)


def coerce(signature: inspect.Signature, flow_name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, coerced. ParameterError with a line for each that does not fit its annotation."""
    coerced: dict[str, Any] = {}
    complaints: list[str] = []
    for name, value in values.items():
        parameter = signature.parameters[name]
        adapter = _adapter(annotation_of(parameter))
        if adapter is None:
            coerced[name] = value
            continue
        try:
            coerced[name] = adapter.validate_python(value)
        except ValidationError as error:
            complaints += [_complaint(name, parameter, one) for one in error.errors(include_url=False, include_context=False)]
    if complaints:
        raise ParameterError(f"flow {flow_name!r} was given parameters that do not fit: {'; '.join(complaints)}")
    return coerced


def annotation_of(parameter: inspect.Parameter) -> Any:
    """What a parameter's value must be: of `*args` a tuple of items, of `**kwargs` a mapping."""
    wanted = parameter.annotation
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return tuple[wanted, ...] if wanted is not inspect.Parameter.empty else tuple[Any, ...]
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return dict[str, wanted if wanted is not inspect.Parameter.empty else Any]
    return Any if wanted is inspect.Parameter.empty else wanted


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    """None for annotations that pydantic makes nothing of (names of a function's own scope, stubs): their values pass as they are."""
    try:
        return TypeAdapter(annotation, config=_LOOSE)
    except PydanticUserError as error:
        if isinstance(error, (PydanticSchemaGenerationError, PydanticUndefinedAnnotation)):
            return None
        return _without_config(annotation)
    except (NameError, TypeError):
        return None


def _without_config(annotation: Any) -> TypeAdapter[Any] | None:
    """For models, dataclasses and typed dicts, which bring their own configuration."""
    try:
        return TypeAdapter(annotation)
    except (PydanticUserError, NameError, TypeError):
        return None


def _complaint(name: str, parameter: inspect.Parameter, error: Any) -> str:
    place = "".join(f"[{part!r}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    given = error.get("input")
    text = repr(given)
    shown = text if len(text) <= 80 else text[:77] + "..."
    words = error["msg"][:1].lower() + error["msg"][1:]
    return f"{name}{place}: {words} (given {shown}, wanted {inspect.formatannotation(parameter.annotation)})"
