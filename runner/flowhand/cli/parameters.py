"""Parameters of a run, from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer

from flowhand.cli.names import near
from flowhand.client.call import Json
from flowhand.errors import ConfigurationError


def parse_pairs(pairs: Sequence[str], option: str) -> Json:
    """`key=value` each; a value that is JSON is read as such, anything else is text. typer.BadParameter for a pair that is none."""
    found: Json = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{pair!r} is not of the form key=value", param_hint=option)
        found[key] = _value(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_object(text: str, option: str) -> Json:
    """A JSON object; `-` reads it from stdin. typer.BadParameter for anything else."""
    content = sys.stdin.read() if text == "-" else text
    try:
        value = json.loads(content)
    except ValueError as error:
        raise typer.BadParameter(f"is not JSON: {error}", param_hint=option) from None
    if not isinstance(value, dict):
        raise typer.BadParameter('is not a JSON object; write {"key": value}', param_hint=option)
    return value


def check_names(deployment: Json, parameters: Json) -> None:
    """Refuses a parameter that the flow does not have, before a run is made of it. What else is wrong, the API says."""
    schema: Json = deployment.get("parameter_openapi_schema") or {}
    known: list[str] = list(schema.get("properties") or ())
    if not deployment.get("enforce_parameter_schema", True) or not known or schema.get("additionalProperties"):
        return
    for name in parameters:
        if name not in known:
            meant = near(name, known)
            hint = f", did you mean {meant!r}?" if meant else f"; it has {', '.join(map(repr, known))}"
            raise ConfigurationError(f"the flow has no parameter {name!r}{hint}")
