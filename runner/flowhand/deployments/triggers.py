"""A deployment's triggers as the API's automations, each of which runs the deployment when it fires (contract 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flowhand.client.call import Json
from flowhand.events.triggers import AnyTrigger, OfDeployment, as_wire, deployment_trigger

_OF_ACTION: Final = ("parameters", "job_variables", "schedule_after")


def automations_of(deployment_name: str, triggers: Sequence[Any]) -> list[Json]:
    """What is to be created, but for the deployment's id: see `owned_by`. The triggers stay as they are, so that one list can serve two.

    One without a name is called after the deployment and its place in the list. TypeError for what is no trigger, ValueError for a wrong
    one; both say which it is.
    """
    return [_automation(deployment_name, number, trigger) for number, trigger in enumerate(triggers, 1)]


def owner_of(deployment_id: str) -> str:
    """The resource that automations of a deployment belong to."""
    return f"prefect.deployment.{deployment_id}"


def owned_by(deployment_id: str, automation: Json) -> Json:
    """The automation of this very deployment."""
    actions = [action | {"deployment_id": deployment_id} for action in automation["actions"]]
    return automation | {"actions": actions, "owner_resource": owner_of(deployment_id)}


def _automation(deployment_name: str, number: int, given: Any) -> Json:
    trigger = _trigger(deployment_name, number, given)
    about: Json = {"name": f"{deployment_name}__automation_{number}"}
    action: Json = {"type": "run-deployment", "source": "selected"}
    if isinstance(trigger, OfDeployment):
        about |= {"name": trigger.name or about["name"], "description": trigger.description, "enabled": trigger.enabled}
        action |= {name: getattr(trigger, name) for name in _OF_ACTION}
    return {**about, "trigger": as_wire(trigger), "actions": [action]}


def _trigger(deployment_name: str, number: int, given: Any) -> AnyTrigger:
    try:
        return deployment_trigger(given)
    except (TypeError, ValueError) as error:
        raise type(error)(f"trigger {number} of deployment {deployment_name!r}: {error}") from None
