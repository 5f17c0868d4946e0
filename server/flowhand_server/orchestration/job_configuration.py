"""What a run's infrastructure is configured with: the pool's template, the deployment's and the run's variables (contract 6.2). Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from flowhand.wire.runner import CrashPolicy

from .templates import fill

MAX_INTERRUPTIONS: Final = 3
"""How often a run whose worker was lost is begun again under the `retry` policy."""


def merged_variables(deployment: Mapping[str, Any] | None, run: Mapping[str, Any] | None) -> dict[str, Any]:
    """The deployment's variables under the run's. `env` is merged key by key, all else is replaced; dotted keys are nested."""
    below, above = _nested(deployment or {}), _nested(run or {})
    merged = {**below, **above}
    if isinstance(below.get("env"), Mapping) and isinstance(above.get("env"), Mapping):
        merged["env"] = {**below["env"], **above["env"]}
    return merged


def job_configuration(template: Mapping[str, Any] | None, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The template's `job_configuration` with its placeholders filled. Without a template: the variables themselves."""
    if not template or "job_configuration" not in template:
        return dict(variables)
    job: dict[str, Any] = copy.deepcopy(dict(template["job_configuration"]))
    values = _defaults(template)
    if values.get("env"):
        job["env"] = _env_over(job.get("env"), values["env"])
    values.update(variables)
    if isinstance(job.get("env"), Mapping) and isinstance(variables.get("env"), Mapping):
        job["env"] = {**job["env"], **variables["env"]}
    return cast("dict[str, Any]", fill(job, values))


@dataclass(frozen=True, slots=True)
class Interruption:
    """What becomes of a run whose worker is lost."""

    policy: CrashPolicy = "crash"
    at_most: int = MAX_INTERRUPTIONS


def interruption(variables: Mapping[str, Any]) -> Interruption:
    """Reads the job variables `crash_policy` and `max_interruptions`; anything that is not understood counts as the default."""
    at_most = variables.get("max_interruptions", MAX_INTERRUPTIONS)
    return Interruption(
        "retry" if variables.get("crash_policy") == "retry" else "crash",
        at_most if isinstance(at_most, int) and not isinstance(at_most, bool) and at_most >= 0 else MAX_INTERRUPTIONS,
    )


def _defaults(template: Mapping[str, Any]) -> dict[str, Any]:
    properties: Mapping[str, Any] = (template.get("variables") or {}).get("properties") or {}
    return {name: spec["default"] for name, spec in properties.items() if spec.get("default") is not None}


def _env_over(template: Any, default: Mapping[str, Any]) -> Any:
    return {**template, **default} if isinstance(template, Mapping) else dict(default)


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Keys such as `env.NAME` as nested mappings; where both forms are given the nested one wins."""
    nested: dict[str, Any] = {}
    for key, value in values.items():
        head, dot, rest = key.partition(".")
        if dot and head and rest:
            _put(nested, head, {rest: value})
    for key, value in values.items():
        if "." not in key:
            _put(nested, key, value)
    return nested


def _put(into: dict[str, Any], key: str, value: Any) -> None:
    if isinstance(into.get(key), Mapping) and isinstance(value, Mapping):
        value = {**into[key], **value}
    into[key] = value
