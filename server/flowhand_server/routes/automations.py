"""`/automations` (contract 10)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from flowhand.wire.automations import Automation, AutomationCreate, AutomationSwitch, AutomationUpdate
from flowhand.wire.filters import AutomationQuery
from flowhand_server.automations.checking import BadAction, check_templates
from flowhand_server.routes.context import Key, Now, StoreDep, check_limit, invalid, nothing, reply, shows
from flowhand_server.routes.templates import template_reply
from flowhand_server.store import automations

router = APIRouter(prefix="/automations", tags=["Automations"])


def _check(body: AutomationUpdate) -> None:
    try:
        check_templates(body)
    except BadAction as error:
        raise invalid(body, str(error)) from None


@router.post("/", status_code=201, responses=shows(Automation, 201))
async def create_automation(body: AutomationCreate, store: StoreDep, now: Now) -> Response:
    """A new automation."""
    _check(body)
    return reply(await store.write(automations.create_automation, body, now), 201)


@router.post("/filter", responses=shows(list[Automation]))
async def find_automations(query: AutomationQuery, store: StoreDep) -> Response:
    """Automations that fit."""
    check_limit(query.limit)
    return reply(await store.read(automations.find_automations, query))


@router.post("/count", responses=shows(int))
async def count_automations(query: AutomationQuery, store: StoreDep) -> Response:
    """How many automations fit."""
    return reply(await store.read(automations.count_automations, query.automations))


@router.post("/templates/validate", status_code=204, response_class=Response)
async def validate_template(template: Annotated[str, Body()]) -> Response:
    """Whether a template can be read."""
    return template_reply(template)


@router.get("/related-to/{resource_id:path}", responses=shows(list[Automation]))
async def related_automations(resource_id: str, store: StoreDep) -> Response:
    """The automations that name a resource or belong to it."""
    return reply(await store.read(automations.related_automations, resource_id))


@router.delete("/owned-by/{resource_id:path}", status_code=202, response_class=Response)
async def delete_owned(resource_id: str, store: StoreDep, now: Now) -> Response:
    """Deletes the automations that belong to a resource."""
    await store.write(automations.delete_owned, resource_id, now)
    return reply(None, 202)


@router.get("/{automation_id:uuid}", responses=shows(Automation))
async def read_automation(automation_id: Key, store: StoreDep) -> Response:
    """One automation."""
    return reply(await store.read(automations.read_automation, str(automation_id)))


@router.put("/{automation_id:uuid}", status_code=204, response_class=Response)
async def replace_automation(automation_id: Key, body: AutomationUpdate, store: StoreDep, now: Now) -> Response:
    """Puts another trigger and other actions in the place of what was there."""
    _check(body)
    await store.write(automations.replace_automation, str(automation_id), body, now)
    return nothing()


@router.patch("/{automation_id:uuid}", status_code=204, response_class=Response)
async def switch_automation(automation_id: Key, body: AutomationSwitch, store: StoreDep, now: Now) -> Response:
    """Switches an automation on or off."""
    await store.write(automations.switch_automation, str(automation_id), body.enabled, now)
    return nothing()


@router.delete("/{automation_id:uuid}", status_code=204, response_class=Response)
async def delete_automation(automation_id: Key, store: StoreDep, now: Now) -> Response:
    """Deletes an automation."""
    await store.write(automations.delete_automation, str(automation_id), now)
    return nothing()
