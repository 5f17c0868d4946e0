"""An automation by what a person typed, and its trigger in a few words."""

from __future__ import annotations

from flowhand.cli.names import hint, near
from flowhand.cli.times import lasting
from flowhand.client import automations
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.errors import ApiRefused, ObjectNotFound
from flowhand.ids import is_id


def automation_named(client: SyncApiClient, given: str) -> Json:
    """An automation by its id, or by its name when only one has it."""
    if is_id(given):
        return client.send(automations.read(given))
    fitting = client.run(automations.listed(given, limit=3))
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        ids = ", ".join(one["id"] for one in fitting)
        raise ApiRefused(f"several automations are named {given!r}: {ids}; give the id", 409)
    known = [one["name"] for one in client.run(automations.listed())]
    raise ObjectNotFound(f"automation {given!r} not found{hint(near(given, known), known, 'flowhand automation ls')}")


def trigger_in_words(trigger: Json) -> str:
    """Such as `3 × order.paid within 60 s`, `no beat within 5 m`, `all of 2 triggers`."""
    within = f" within {lasting(float(trigger['within']))}" if trigger.get("within") else ""
    match trigger["type"]:
        case "compound":
            return f"{trigger['require']} of {len(trigger['triggers'])} triggers{within}"
        case "sequence":
            return f"{len(trigger['triggers'])} triggers one after the other{within}"
        case "metric":
            metric = trigger["metric"]
            return f"{metric['name']} {metric['operator']} {metric['threshold']:g} for {lasting(float(metric['firing_for']))}"
        case _:
            names = " or ".join(trigger["expect"]) or "any event"
            after = f" after {' or '.join(trigger['after'])}" if trigger.get("after") else ""
            threshold = trigger.get("threshold", 1)
            if trigger["posture"] == "Proactive":
                return f"{'no' if threshold == 1 else f'fewer than {threshold} ×'} {names}{after}{within}"
            return f"{'' if threshold == 1 else f'{threshold} × '}{names}{after}{within}"
