"""A run that was made inside another one: linked to it through a task run (contract 2.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from flowhand.client import flows
from flowhand.client.call import Call, Errand, Json, read_json
from flowhand.sdk.context import RunContext
from flowhand.sdk.task_calling import futures_in
from flowhand.sdk.task_results import TaskResults


def link(run: RunContext, deployment: Json, inputs: Mapping[str, list[Json]]) -> Errand[str]:
    """The id of a Pending task run in the flow run around the call, which stands for the run that is about to be made.

    The same call in another try of the flow has the same keys and finds the same task run.
    """
    flow: Json = yield flows.read(deployment["flow_id"])
    name = f"{flow['name']}/{deployment['name']}"
    task_key = f"flowhand.deployments.run_deployment.{_slug(name)}"
    body: Json = {
        "name": name,
        "flow_run_id": run.flow_run.id,
        "task_key": task_key,
        "dynamic_key": run.task_run.dynamic_key if run.task_run else run.next_key(task_key),
        "task_version": deployment.get("version"),
        "task_inputs": inputs,
        "state": {"type": "PENDING"},
    }
    made: Json = yield Call("POST", "/task_runs/", read_json, body, about=f"task run {name!r}")
    return made["id"]


def inputs_of(parameters: Mapping[str, Any], results: TaskResults) -> dict[str, list[Json]]:
    """Which task runs each parameter's value comes from: the futures in it, and what tasks of this flow run have answered."""
    return {
        name: [{"input_type": "task_run", "id": task_run_id} for task_run_id in dict.fromkeys(_origins(value, results))]
        for name, value in parameters.items()
    }


def _origins(value: Any, results: TaskResults) -> Iterator[str]:
    for future in futures_in(value):
        yield future.task_run_id
    parts: Iterable[Any] = ()
    if isinstance(value, Mapping):
        parts = cast("Mapping[Any, Any]", value).values()
    elif isinstance(value, list | tuple | set | frozenset):
        parts = cast("Iterable[Any]", value)
    for part in (value, *parts):
        if (origin := results.origin(part)) is not None:
            yield origin


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
