"""`Automation`: a trigger and what is done when it fires, kept by the API.

    Automation(name="tell", trigger=EventTrigger(expect=["order.paid"]), actions=[RunDeployment(deployment_id=…)]).create()

Its methods work both ways, plain in sync code and awaited in async code.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from flowhand.client import automations
from flowhand.client.call import Errand, Json
from flowhand.errors import ApiRefused, ObjectNotFound
from flowhand.events.triggers import as_wire, plain_trigger
from flowhand.sdk.api import perform
from flowhand.sdk.dual import dual
from flowhand.wire import automations as wire


class Automation(BaseModel):
    """An automation. One without an `id` is not known to the API yet."""

    model_config = ConfigDict(validate_assignment=True, extra="forbid")

    name: str
    description: str = ""
    enabled: bool = True
    tags: list[str] = Field(default_factory=list[str])
    trigger: Any
    actions: list[wire.Action]
    actions_on_trigger: list[wire.Action] = Field(default_factory=list[wire.Action])
    actions_on_resolve: list[wire.Action] = Field(default_factory=list[wire.Action])
    owner_resource: str | None = None
    id: str | None = None

    @field_validator("trigger", mode="before")
    @classmethod
    def _read_trigger(cls, given: Any) -> Any:
        return plain_trigger(given)

    @dual
    async def create(self) -> Self:
        """Makes it known to the API; it then has an id. Not idempotent: twice is two automations."""
        made = await perform(_one(automations.create(self.body() | {"owner_resource": self.owner_resource})))
        self.id = made["id"]
        return self

    @dual
    async def update(self) -> None:
        """Puts it in the place of what the API has under its id. ObjectNotFound; ValueError when it was never created."""
        await perform(_one(automations.replace(self._known_id(), self.body())))

    @classmethod
    @dual
    async def read(cls, id: str | None = None, name: str | None = None) -> Self:  # noqa: A002  the name that callers know
        """The automation of this id, or the one of this name. ObjectNotFound; ApiRefused when several have the name."""
        if (id is None) == (name is None):
            raise ValueError("give one of id and name")
        return cls(**_fields(await perform(_by_id(str(id)) if id is not None else _by_name(str(name)))))

    @dual
    async def delete(self) -> bool:
        """Removes it; whether there was one."""
        try:
            await perform(_one(automations.delete(self._known_id())))
        except ObjectNotFound:
            return False
        return True

    @dual
    async def enable(self) -> None:
        """Has it act from now on. Idempotent."""
        await perform(_one(automations.switch(self._known_id(), True)))
        self.enabled = True

    @dual
    async def disable(self) -> None:
        """Has it act no more until it is enabled. Idempotent."""
        await perform(_one(automations.switch(self._known_id(), False)))
        self.enabled = False

    def _known_id(self) -> str:
        if self.id is None:
            raise ValueError(f"automation {self.name!r} has no id: create it, or read it")
        return self.id

    def body(self) -> Json:
        """As it goes to the API, without its id."""
        body = self.model_dump(mode="json", include={"name", "description", "enabled", "tags"})
        for name in ("actions", "actions_on_trigger", "actions_on_resolve"):
            body[name] = [action.stored() for action in getattr(self, name)]
        return body | {"trigger": as_wire(self.trigger)}


def _fields(row: Json) -> Json:
    return {name: row[name] for name in Automation.model_fields if name in row}


def _one(call: Any) -> Errand[Any]:
    return (yield call)


def _by_id(automation_id: str) -> Errand[Json]:
    return (yield automations.read(automation_id))


def _by_name(name: str) -> Errand[Json]:
    found = yield from automations.listed(name, limit=2)
    if not found:
        raise ObjectNotFound(f"automation {name!r} not found; `flowhand automation ls` lists what there is")
    if len(found) > 1:
        raise ApiRefused(f"several automations are named {name!r}; give the id", 409)
    return found[0]
