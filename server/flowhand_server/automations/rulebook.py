"""The rulebook: every enabled automation, its triggers laid out so that those an event may concern are found at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, select

from flowhand.wire.automations import CompoundTrigger, EventTrigger, MetricTrigger, SequenceTrigger, Trigger
from flowhand_server.automations.covering import begins, covers, expects
from flowhand_server.store import tables as t

Composite = CompoundTrigger | SequenceTrigger
_READ: Final[TypeAdapter[EventTrigger | MetricTrigger | CompoundTrigger | SequenceTrigger]] = TypeAdapter(Trigger)
_automation = t.automation.c
_log = structlog.get_logger("flowhand.server")


@dataclass(frozen=True, slots=True)
class Rule:
    """One trigger that is not made of others, the composites around it from the innermost to the outermost, and whose it is."""

    automation: Mapping[str, Any]
    trigger: EventTrigger | MetricTrigger
    around: tuple[Composite, ...] = ()

    @property
    def automation_id(self) -> str:
        """Whose it is."""
        return self.automation["id"]


@dataclass(slots=True)
class Rulebook:
    """Kept from one transaction to the next; `refresh` reads what was changed."""

    version: int = 0
    """Grows with each change."""
    judges_absence: bool = False
    """Whether any trigger is proactive."""
    _rules: dict[str, list[Rule]] = field(default_factory=dict[str, list[Rule]])
    _updated: dict[str, int] = field(default_factory=dict[str, int])
    _by_name: dict[str, list[Rule]] = field(default_factory=dict[str, list[Rule]])
    _by_pattern: list[tuple[str, Rule]] = field(default_factory=list[tuple[str, Rule]])

    def refresh(self, conn: Connection) -> None:
        """Reads the automations that are new or changed, and forgets those that are gone or switched off."""
        current = {row.id: row.updated for row in conn.execute(select(_automation.id, _automation.updated).where(_automation.enabled))}
        if current == self._updated:
            return
        changed = [key for key, updated in current.items() if self._updated.get(key) != updated]
        self._rules = {key: rules for key, rules in self._rules.items() if key in current}
        for row in conn.execute(select(t.automation).where(_automation.id.in_(changed))).mappings():
            self._rules[row["id"]] = _read(dict(row))
        self._updated = current
        self.version += 1
        self._index()

    def _index(self) -> None:
        self._by_name, self._by_pattern, self.judges_absence = {}, [], False
        for rule in self:
            if not isinstance(rule.trigger, EventTrigger):
                continue
            self.judges_absence = self.judges_absence or rule.trigger.posture == "Proactive"
            names = {*rule.trigger.expect, *rule.trigger.after} if rule.trigger.expect else {"*"}
            for name in names:
                if name.endswith("*"):
                    self._by_pattern.append((name[:-1], rule))
                else:
                    self._by_name.setdefault(name, []).append(rule)

    def __bool__(self) -> bool:
        """Whether there is any automation to think of."""
        return bool(self._rules)

    def __iter__(self) -> Iterator[Rule]:
        return (rule for rules in self._rules.values() for rule in rules)

    def concerned(self, event: Mapping[str, Any]) -> Iterable[tuple[Rule, EventTrigger]]:
        """The rules that an event is about, each once."""
        name: str = event["event"]
        found = {id(rule): rule for rule in self._by_name.get(name, ())}
        found |= {id(rule): rule for prefix, rule in self._by_pattern if name.startswith(prefix)}
        for rule in found.values():
            trigger = rule.trigger
            if isinstance(trigger, EventTrigger) and (expects(trigger, name) or begins(trigger, name)) and covers(trigger, event):
                yield rule, trigger

    def always_open(self) -> Iterable[tuple[Rule, EventTrigger]]:
        """The proactive rules whose window is open whether or not an event ever comes."""
        for rule in self:
            trigger = rule.trigger
            if isinstance(trigger, EventTrigger) and trigger.posture == "Proactive" and not trigger.after and not trigger.for_each:
                yield rule, trigger

    def metrics(self) -> list[tuple[Rule, MetricTrigger]]:
        """The rules about figures."""
        return [(rule, rule.trigger) for rule in self if isinstance(rule.trigger, MetricTrigger)]

    def find(self, automation_id: str, trigger_id: str) -> Rule | None:
        """The rule of a trigger; None when the automation was changed meanwhile."""
        return next((rule for rule in self._rules.get(automation_id, ()) if rule.trigger.id == trigger_id), None)


def _read(automation: Mapping[str, Any]) -> list[Rule]:
    try:
        trigger = _READ.validate_python(automation["trigger"])
    except ValidationError as error:  # of a newer version, perhaps; it must not stop the others
        _log.warning("an automation's trigger cannot be read; it does nothing", automation=automation["name"], error=str(error))
        return []
    return list(_rules(automation, trigger, ()))


def _rules(
    automation: Mapping[str, Any], trigger: EventTrigger | MetricTrigger | Composite, around: tuple[Composite, ...]
) -> Iterator[Rule]:
    if isinstance(trigger, Composite):
        for part in trigger.triggers:
            yield from _rules(automation, part, (trigger, *around))
    else:
        yield Rule(automation, trigger, around)
