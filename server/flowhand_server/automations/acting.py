"""Acting: an automation that is set off tells of it, and leaves its actions to be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog
from sqlalchemy import Connection, insert

from flowhand.ids import timed_id
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE
from flowhand_server.automations.chains import ROUNDS, Chain, chain_of, runs_in_circles
from flowhand_server.automations.firing import Firing, trigger_labels
from flowhand_server.store import tables as t
from flowhand_server.store.events import insert_rows

OUTSIDE: Final = frozenset({"call-webhook", "send-notification"})
"""Actions that call somebody."""
_log = structlog.get_logger("flowhand.server")


def act(conn: Connection, firing: Firing, now: int) -> None:
    """Tells that the automation was triggered (or that its figure is in bounds again), and queues what is to be done."""
    automation = firing.rule.automation
    chain = chain_of(conn, firing.event, firing.id)
    actions = _actions(automation, resolved=firing.resolved)
    if runs_in_circles(conn, automation["id"], chain, now):
        _stop(conn, firing, chain, actions, now)
        return
    chain = chain.with_link(automation["id"])
    told = automation_event(
        automation,
        "resolved" if firing.resolved else "triggered",
        now,
        chain,
        follows=firing.event,
        event_id=firing.id,
        payload={"triggering_labels": dict(firing.labels), "triggering_event": firing.event},
    )
    insert_rows(conn, [told])
    brief = {
        "id": firing.id,
        "at": firing.at,
        "labels": dict(firing.labels),
        "event": firing.event,
        "chain": str(chain),
        "resolved": firing.resolved,
    }
    rows = [
        {"id": timed_id(), "automation_id": automation["id"], "place": place, "action": action, "firing": brief, "taken_until": 0}
        | {"outside": action["type"] in OUTSIDE}
        for place, action in actions
    ]
    if rows:
        conn.execute(insert(t.automation_action), rows)


def _actions(automation: Mapping[str, Any], *, resolved: bool) -> list[tuple[int, Mapping[str, Any]]]:
    found: list[Mapping[str, Any]] = list(automation["actions_on_resolve"])
    if not resolved:
        found = [*automation["actions"], *automation["actions_on_trigger"]]
    return list(enumerate(found))


def _stop(conn: Connection, firing: Firing, chain: Chain, actions: list[tuple[int, Mapping[str, Any]]], now: int) -> None:
    """Does nothing, and says so: in the log, and by an event for each action that no automation looks at."""
    automation = firing.rule.automation
    reason = f"automation {automation['name']!r} has set itself off {ROUNDS} times within an hour; it is not followed any further"
    _log.warning("an automation runs in circles", automation=automation["name"], automation_id=automation["id"], root=chain.root)
    told = [
        automation_event(
            automation,
            "action.failed",
            now,
            chain,
            follows=firing.event,
            payload={"action_index": place, "action_type": action["type"], "invocation": firing.id, "reason": reason},
        )
        for place, action in actions
    ]
    if told:
        insert_rows(conn, told, evaluated=True)


def automation_event(
    automation: Mapping[str, Any],
    what: str,
    now: int,
    chain: Chain,
    *,
    follows: Mapping[str, Any] | None = None,
    event_id: str | None = None,
    payload: Mapping[str, Any] | None = None,
    related: tuple[Mapping[str, str], ...] = (),
) -> dict[str, Any]:
    """An event about an automation, as a row."""
    resource = f"prefect.automation.{automation['id']}"
    others = [dict(one) for one in related]
    if follows is not None:
        others.append({RESOURCE_ID: f"prefect.event.{follows['id']}", RESOURCE_ROLE: "triggering-event"})
    return {
        "id": event_id or timed_id(),
        "occurred": now,
        "received": now,
        "event": f"prefect.automation.{what}",
        "resource_id": resource,
        "follows": follows["id"] if follows is not None else None,
        "resource": {RESOURCE_ID: resource, RESOURCE_NAME: automation["name"], **trigger_labels(automation)},
        "related": others,
        "payload": {**(payload or {}), "chain": str(chain)},
    }
