"""What an action is about: the things that its event names, and the values that its templates may use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select

from flowhand.clock import to_datetime
from flowhand.ids import is_id
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE
from flowhand_server.automations.inert import inert
from flowhand_server.automations.templating import compiled, looks_like_one, render
from flowhand_server.orchestration.state import moment
from flowhand_server.store import tables as t
from flowhand_server.store.deployments import read_deployment
from flowhand_server.store.errors import NotFound
from flowhand_server.store.flow_run_reading import read_flow_run
from flowhand_server.store.flows import read_flow
from flowhand_server.store.parameter_kinds import KIND, filled_in
from flowhand_server.store.task_runs import read_task_run
from flowhand_server.store.work_pools import read_pool
from flowhand_server.store.work_queues import read_queue


class Subject:
    """One firing as the actions see it; `conn` is only asked for what a template names."""

    def __init__(self, conn: Connection, automation: Mapping[str, Any], firing: Mapping[str, Any], now: int) -> None:
        self._conn = conn
        self._now = now
        self.automation = automation
        self.firing = firing
        self.event: Mapping[str, Any] | None = firing["event"]

    def id_of(self, kind: str) -> str | None:
        """The id of the first thing of a kind (such as `flow-run`) that the event is about or touches."""
        begin = f"prefect.{kind}."
        for resource in _resources(self.event):
            name = resource.get(RESOURCE_ID, "")
            if name.startswith(begin) and is_id(name.removeprefix(begin)):
                return name.removeprefix(begin)
        return None

    def fill(self, text: str) -> str:
        """A template, filled in; a plain text as it is. BadTemplate."""
        return render(text, self._values(compiled(text)[1])) if looks_like_one(text) else text

    def fill_all(self, value: Any) -> Any:
        """A value with every template in it filled in. BadTemplate, also for what a run would resolve again; orjson's ValueError for JSON
        that is none.

        A text that is one expression keeps the type of what it stands for. Mappings with a `__prefect_kind` are read as that kind.
        """
        if isinstance(value, str):
            return inert(self._fill_text(value)) if looks_like_one(value) else value
        if isinstance(value, list):
            return [self.fill_all(one) for one in value]
        if not isinstance(value, dict):
            return value
        if KIND in value:
            read = _KINDS.get(value[KIND])
            return read(self, value) if read else filled_in(self._conn, {"it": value}).get("it")
        return {key: self.fill_all(one) for key, one in value.items()}

    def _fill_text(self, text: str) -> Any:
        expression = text.strip()
        if expression.startswith("{{") and expression.endswith("}}") and expression.count("{{") == 1:
            return orjson.loads(self.fill("{{ (" + expression[2:-2].strip("-+ ") + ") | tojson }}"))
        return self.fill(text)

    def variable(self, name: str) -> Any:
        """The value of a variable; None when there is none."""
        return self._conn.execute(select(t.variable.c.value).where(t.variable.c.name == name)).scalar()

    def _values(self, names: Iterable[str]) -> dict[str, Any]:
        about = {name: self.automation[name] for name in ("id", "name", "description", "tags")}
        firing = {
            "id": self.firing["id"],
            "triggered": to_datetime(self.firing["at"]),
            "triggering_labels": self.firing["labels"],
            "triggering_event": _shown(self.event),
        }
        values = {"automation": about, "event": firing["triggering_event"], "labels": self.firing["labels"], "firing": firing}
        return values | {name: self._thing(name) for name in names if name in _READERS or name == "variables"}

    def _thing(self, name: str) -> Any:
        if name == "variables":
            return dict(self._conn.execute(select(t.variable.c.name, t.variable.c.value)).tuples().all())
        key = self.id_of(name.replace("_", "-"))
        try:
            return _READERS[name](self._conn, key, self._now) if key else None
        except NotFound:
            return None


def _resources(event: Mapping[str, Any] | None) -> list[Mapping[str, str]]:
    return [event["resource"], *event["related"]] if event else []


def _shown(event: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An event for templates: times are times, resources have their id, name and role besides their labels."""
    if event is None:
        return None
    related = [_labels(one) for one in event["related"]]
    roles: dict[str, list[dict[str, Any]]] = {}
    for one in related:
        roles.setdefault(one["role"], []).append(one)
    occurred, received = (moment(event[name]) for name in ("occurred", "received"))
    return {
        **event,
        "occurred": to_datetime(occurred) if occurred is not None else None,
        "received": to_datetime(received) if received is not None else None,
        "resource": _labels(event["resource"]),
        "related": related,
        "resource_in_role": {role: found[0] for role, found in roles.items()},
        "resources_in_role": roles,
    }


def _labels(resource: Mapping[str, str]) -> dict[str, Any]:
    own = {"id": resource[RESOURCE_ID], "name": resource.get(RESOURCE_NAME), "role": resource.get(RESOURCE_ROLE, "")}
    return {**resource, **own, "labels": dict(resource)}


def _pool(conn: Connection, pool_id: str) -> Any:
    name = conn.execute(select(t.work_pool.c.name).where(t.work_pool.c.id == pool_id)).scalar()
    return read_pool(conn, name) if name else None


_READERS: Final[dict[str, Callable[[Connection, str, int], Any]]] = {
    "flow_run": read_flow_run,
    "task_run": read_task_run,
    "flow": lambda conn, key, _: read_flow(conn, key),
    "deployment": lambda conn, key, _: read_deployment(conn, key),
    "work_pool": lambda conn, key, _: _pool(conn, key),
    "work_queue": lambda conn, key, _: read_queue(conn, key),
}


def _json(subject: Subject, value: Mapping[str, Any]) -> Any:
    written = value.get("value", "")
    found = orjson.loads(str(subject.fill_all(written)))
    return found if isinstance(written, str) and not looks_like_one(written) else inert(found)


_KINDS: Final[dict[Any, Callable[[Subject, Mapping[str, Any]], Any]]] = {
    "jinja": lambda subject, value: inert(subject.fill(str(value.get("template", "")))),
    "json": _json,
    "workspace_variable": lambda subject, value: subject.variable(str(value.get("variable_name", ""))),
}
"""What a mapping with a `__prefect_kind` stands for."""
