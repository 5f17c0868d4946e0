"""A step as it stands in a deployment, read and checked before anything runs."""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowhand_storage.errors import InvalidStep
from flowhand_storage.steps.known import KNOWN, NO_MORE, KnownStep, known_step

_OWN_NAMES = (
    "flowhand.",
    "prefect.deployments.steps.",
    "prefect.projects.steps.",
    "prefect_aws.",
    "prefect_gcp.",
    "prefect_azure.",
    "prefect_docker.",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name as written, its inputs with their templates, and what it is (None: a function of the user's own)."""

    name: str
    inputs: dict[str, Any]
    id: str | None
    requires: tuple[str, ...]
    known: KnownStep | None


def read_steps(steps: Any, more: Mapping[str, KnownStep] = NO_MORE) -> list[Step]:
    """All steps of a deployment. InvalidStep names the place of the one that can never run. `more` are steps known beyond ours."""
    if steps is None:
        return []
    if not isinstance(steps, Sequence) or isinstance(steps, str | bytes):
        raise InvalidStep("steps are a list; each is a mapping of one step's name to its inputs")
    read = [_read_step(step, index, more) for index, step in enumerate(steps)]
    ids = [step.id for step in read if step.id is not None]
    if doubled := next((name for name in ids if ids.count(name) > 1), None):
        raise InvalidStep(f"two steps have the id {doubled!a}; outputs could not be told apart")
    return read


def _read_step(step: Any, index: int, more: Mapping[str, KnownStep]) -> Step:
    where = f"step {index + 1}"
    if not isinstance(step, Mapping) or len(step) != 1:
        raise InvalidStep(f"{where} is no mapping of one step's name to its inputs")
    name, given = next(iter(step.items()))
    if not isinstance(name, str) or not isinstance(given, Mapping | None) or any(not isinstance(key, str) for key in given or {}):
        raise InvalidStep(f"{where} is no mapping of one step's name to its inputs")
    inputs = dict(given or {})
    identifier, requires = inputs.pop("id", None), inputs.pop("requires", None)
    if not isinstance(identifier, str | None):
        raise InvalidStep(f"{where} ({name}): its id must be a text")
    found = known_step(name, more)
    if found is None and (name.startswith(_OWN_NAMES) or not _is_dotted(name)):
        raise InvalidStep(f"{where}: there is no step {name[:120]!a}{_suggest(name.rpartition('.')[2], {**KNOWN, **more})}")
    if found is not None:
        _check_names(found, inputs, f"{where} ({name})")
    return Step(name, inputs, identifier, _read_requires(requires, f"{where} ({name})"), found)


def _read_requires(requires: Any, where: str) -> tuple[str, ...]:
    listed = [requires] if isinstance(requires, str) else list(requires) if isinstance(requires, list | tuple) else []
    if (requires is not None and not listed and requires != []) or not all(isinstance(item, str) and item for item in listed):
        raise InvalidStep(f"{where}: requires must be a package's name, or a list of them")
    return tuple(listed)


def _check_names(known: KnownStep, inputs: Mapping[str, Any], where: str) -> None:
    parameters = known.parameters()
    if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        for name in inputs:
            if name not in parameters:
                raise InvalidStep(f"{where} has no input {name[:80]!a}{_suggest(name, parameters)}")
    for name, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and parameter.kind is parameter.KEYWORD_ONLY and name not in inputs:
            raise InvalidStep(f"{where} needs the input {name}")


def check_types(known: KnownStep, inputs: Mapping[str, Any]) -> None:
    """Whether filled inputs are of the types that the step takes. InvalidStep names the first that is not; no value is quoted."""
    hints = known.hints()
    for name, value in inputs.items():
        if name in hints and not _fits(value, hints[name]):
            raise InvalidStep(f"the input {name} must be {_described(hints[name])}, not {type(value).__name__}")


def _fits(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in typing.get_args(hint))
    if origin is list:
        (inner,) = typing.get_args(hint)
        return isinstance(value, list) and all(_fits(item, inner) for item in value)
    if origin is dict:
        _, inner = typing.get_args(hint)
        return isinstance(value, dict) and all(_fits(item, inner) for item in value.values())
    return value is None if hint is type(None) else isinstance(value, hint)


def _described(hint: Any) -> str:
    names = {str: "a text", bool: "true or false", type(None): "nothing"}
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(_described(one) for one in typing.get_args(hint))
    return names.get(hint) or {list: "a list", dict: "a mapping"}.get(typing.get_origin(hint) or hint, "something else")


def _is_dotted(name: str) -> bool:
    return "." in name and all(part.isidentifier() for part in name.split("."))


def _suggest(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
