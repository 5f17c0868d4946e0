"""What an event touches besides, when it is emitted within a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flowhand.sdk.context import RunContext, current_run
from flowhand.wire.events import MAX_RELATED, RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE


def related_to_run(given: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The run that this code belongs to, its flow, its deployment and its tags, as far as they are not given and there is room."""
    run = current_run()
    if run is None:
        return []
    known = {one.get(RESOURCE_ID) for one in given}
    found = [one for one in _resources(run) if one[RESOURCE_ID] not in known]
    return found[: max(0, MAX_RELATED - len(given))]


def _resources(run: RunContext) -> Iterator[dict[str, str]]:
    flow_run = run.flow_run
    yield _resource("flow-run", flow_run.id, flow_run.name)
    if run.task_run is not None:
        yield _resource("task-run", run.task_run.id, run.task_run.name)
    if flow_run.flow_id:
        yield _resource("flow", flow_run.flow_id, flow_run.flow_name)
    if flow_run.deployment_id:
        yield _resource("deployment", flow_run.deployment_id, flow_run.deployment_name or "")
    for tag in sorted(flow_run.tags):
        yield {RESOURCE_ID: f"prefect.tag.{tag}", RESOURCE_ROLE: "tag"}


def _resource(role: str, key: str, name: str) -> dict[str, str]:
    return {RESOURCE_ID: f"prefect.{role}.{key}", RESOURCE_ROLE: role, RESOURCE_NAME: name}
