"""Notification policies of 2.x clients: each is an automation that sends a notification, and is told as a policy again.

So the one engine fires them, and a client of 3.x sees them among the automations. What a policy's message was is the automation's
description; its states and tags are read out of the trigger.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection

from flowhand.wire.automations import Action, AutomationCreate, AutomationUpdate, EventTrigger
from flowhand.wire.events import RESOURCE_ID, RESOURCE_ROLE
from flowhand.wire.filters import AutomationFilter, AutomationQuery
from flowhand.wire.notification_policies import NotificationPolicyCreate, NotificationPolicyQuery, NotificationPolicyUpdate

from . import automations, forms
from .errors import NotFound, Refused

MARK: Final = "flow-run-notification-policy"
"""The tag by which such an automation is known."""
MISSING: Final = "Flow run notification policy not found"
MOST: Final = 200
_EVENT: Final = "prefect.flow-run."
_TAG: Final = "prefect.tag."
_STATES: Final = (
    *("Scheduled", "Late", "Pending", "Running", "Retrying", "AwaitingRetry", "Paused", "Suspended", "Resuming"),
    *("Completed", "Failed", "Crashed", "TimedOut", "Cancelling", "Cancelled"),
)
_MESSAGE: Final = "Flow run {flow_run_name} of {flow_name} is {flow_run_state_name}: {flow_run_state_message}"
_PLACES: Final = {
    "flow_run_notification_policy_id": "automation.id",
    "flow_id": "flow.id",
    "flow_name": "flow.name",
    "flow_run_url": "'/runs/flow-run/' ~ flow_run.id",
    "flow_run_id": "flow_run.id",
    "flow_run_name": "flow_run.name",
    "flow_run_parameters": "flow_run.parameters",
    "flow_run_state_type": "flow_run.state.type",
    "flow_run_state_name": "flow_run.state.name",
    "flow_run_state_timestamp": "flow_run.state.timestamp",
    "flow_run_state_message": "flow_run.state.message",
}
"""What a message may name, and where a template of an automation finds it."""


def create_policy(conn: Connection, body: NotificationPolicyCreate, now: int) -> forms.Form:
    """A new policy. Refused (422) for a message that names what there is not."""
    return _policy(automations.create_automation(conn, AutomationCreate(**_automation(body.model_dump())), now))


def read_policy(conn: Connection, policy_id: str) -> forms.Form:
    """One policy. NotFound, also for an automation that is none."""
    try:
        found = automations.read_automation(conn, policy_id)
    except NotFound:
        raise NotFound(MISSING) from None
    if MARK not in found["tags"]:
        raise NotFound(MISSING)
    return _policy(found)


def find_policies(conn: Connection, query: NotificationPolicyQuery) -> list[forms.Form]:
    """Policies that fit. There are few: they are all looked at."""
    marked = AutomationFilter.model_validate({"tags": {"all_": [MARK]}})
    found = [_policy(one) for one in automations.find_automations(conn, AutomationQuery(automations=marked, limit=MOST))]
    wanted = query.flow_run_notification_policy_filter
    if wanted and wanted.is_active and wanted.is_active.eq_ is not None:
        found = [one for one in found if one["is_active"] is wanted.is_active.eq_]
    return found[query.offset :][: query.limit]


def update_policy(conn: Connection, policy_id: str, body: NotificationPolicyUpdate, now: int) -> None:
    """Changes what was given. NotFound, Refused."""
    known = read_policy(conn, policy_id)
    given = {name: value for name, value in body.given().items() if value is not None or name == "message_template"}
    fields = {name: known[name] for name in NotificationPolicyCreate.model_fields}
    automations.replace_automation(conn, policy_id, AutomationUpdate(**_automation(fields | given)), now)


def delete_policy(conn: Connection, policy_id: str, now: int) -> None:
    """Removes a policy. NotFound."""
    read_policy(conn, policy_id)
    automations.delete_automation(conn, policy_id, now)


def _automation(policy: dict[str, Any]) -> dict[str, Any]:
    states = policy["state_names"] or _STATES
    tags = {RESOURCE_ID: [_TAG + tag for tag in policy["tags"]], RESOURCE_ROLE: "tag"} if policy["tags"] else {}
    message = policy["message_template"]
    return {
        "name": "Notify of " + (", ".join(policy["state_names"]) or "all states"),
        "description": message or "",
        "enabled": policy["is_active"],
        "tags": [MARK],
        "trigger": EventTrigger(posture="Reactive", expect=[_EVENT + name for name in states], match_related=tags),
        "actions": [
            Action(
                type="send-notification",
                block_document_id=policy["block_document_id"],
                subject="Flow run notification",
                body="".join(_template(message or _MESSAGE)),
            )
        ],
    }


def _template(message: str) -> Iterator[str]:
    """A message with names in braces, as a template of an automation."""
    try:
        parts = list(string.Formatter().parse(message))
    except ValueError as error:
        raise Refused(422, f"message_template: {error}") from None
    for literal, name, _, _ in parts:
        yield literal.replace("{", "{{ '{' }}")
        if name is None:
            continue
        if name not in _PLACES:
            raise Refused(422, f"message_template: there is no {name!r}; it may name {', '.join(sorted(_PLACES))}")
        yield "{{ " + _PLACES[name] + " }}"


def _policy(automation: forms.Form) -> forms.Form:
    trigger, action = automation["trigger"], automation["actions"][0]
    states = [name.removeprefix(_EVENT) for name in trigger["expect"]]
    tags = trigger["match_related"].get(RESOURCE_ID, []) if trigger["match_related"] else []
    return {
        **{name: automation[name] for name in ("id", "created", "updated")},
        "is_active": automation["enabled"],
        "state_names": [] if states == list(_STATES) else states,
        "tags": [tag.removeprefix(_TAG) for tag in tags],
        "block_document_id": action["block_document_id"],
        "message_template": automation["description"] or None,
    }
