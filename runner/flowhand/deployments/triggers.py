"""A deployment's triggers as the API's automations, each of which runs the deployment when it fires (contract 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flowhand.client.call import Json

_OF_ACTION: Final = ("parameters", "job_variables", "schedule_after")
_OF_AUTOMATION: Final = ("description", "enabled")


def automations_of(deployment_name: str, triggers: Sequence[Any]) -> list[Json]:
    """What is to be created, but for the deployment's id: see `owned_by`. The triggers are mappings and stay as they are.

    One without a name is called after the deployment and its place in the list. TypeError for anything but a mapping.
    """
    return [_automation(deployment_name, number, trigger) for number, trigger in enumerate(triggers, 1)]


def owner_of(deployment_id: str) -> str:
    """The resource that automations of a deployment belong to."""
    return f"prefect.deployment.{deployment_id}"


def owned_by(deployment_id: str, automation: Json) -> Json:
    """The automation of this very deployment."""
    actions = [action | {"deployment_id": deployment_id} for action in automation["actions"]]
    return automation | {"actions": actions, "owner_resource": owner_of(deployment_id)}


def _automation(deployment_name: str, number: int, trigger: Any) -> Json:
    if not isinstance(trigger, Mapping):
        raise TypeError(f"trigger {number} of deployment {deployment_name!r} is {type(trigger).__name__}; give a mapping with `expect`, …")
    given: Json = {str(key): value for key, value in trigger.items()}
    name = given.pop("name", None) or f"{deployment_name}__automation_{number}"
    action = {key: given.pop(key) for key in _OF_ACTION if key in given}
    about = {key: given.pop(key) for key in _OF_AUTOMATION if key in given}
    return {"name": name, **about, "trigger": _trigger(given), "actions": [{"type": "run-deployment", "source": "selected", **action}]}


def _trigger(given: Json) -> Json:
    """With the type that its fields show, and the posture that it has unless it says another."""
    if "triggers" in given:
        parts = [_trigger(dict(part)) for part in given["triggers"]]
        return {"type": "compound" if "require" in given else "sequence", **given, "triggers": parts}
    return {"type": "event", "posture": "Reactive", **given}
