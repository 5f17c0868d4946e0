"""When a trigger fires: windows, event by event. Times are seconds here."""

from __future__ import annotations

from typing import Any

import pytest

from flowhand.wire.automations import EventTrigger
from flowhand_server.automations.covering import begins, covers, expects, group_from, group_of, key_of
from flowhand_server.automations.windows import Window, elapse, first, observe

SECOND = 1_000_000


def fired(trigger: EventTrigger, *happenings: tuple[float, str]) -> list[float]:
    """When it fires, given events by time and name; `tick` is time that passes. One group, from nothing."""
    window: Window | None = first(trigger, 0) if trigger.posture == "Proactive" and not trigger.after else None
    times: list[float] = []
    for at, name in happenings:
        now = round(at * SECOND)
        if name == "tick":
            seen = elapse(trigger, window, now) if window else None
        elif expects(trigger, name) or begins(trigger, name):
            seen = observe(trigger, window, now, begins=begins(trigger, name), expected=expects(trigger, name))
        else:
            continue
        if seen is not None:
            window = seen.window
            times += [seen.fired_at / SECOND] if seen.fired_at is not None else []
    return times


def reactive(**fields: Any) -> EventTrigger:
    return EventTrigger(posture="Reactive", **({"expect": ["a"]} | fields))


def proactive(**fields: Any) -> EventTrigger:
    return EventTrigger(posture="Proactive", **({"expect": ["a"], "within": 10} | fields))


@pytest.mark.parametrize(
    ("trigger", "happenings", "times"),
    [
        (reactive(), [(1, "a"), (1, "a"), (2, "b"), (3, "a")], [1, 1, 3]),
        (reactive(threshold=3), [(1, "a"), (2, "a"), (99, "a"), (100, "a")], [99]),
        (reactive(threshold=2, within=10), [(1, "a"), (5, "a"), (6, "a"), (7, "a")], [5]),
        (reactive(threshold=2, within=10), [(1, "a"), (12, "a"), (13, "a")], [13]),
        (reactive(within=10), [(1, "a"), (2, "a"), (11, "a"), (12, "a"), (21, "a")], [1, 11, 21]),
        (reactive(threshold=2, within=10), [(5, "a"), (1, "a")], [1]),
        (reactive(after=["s"]), [(1, "a"), (2, "s"), (3, "a"), (4, "a")], [3]),
        (reactive(after=["s"], within=10), [(1, "s"), (12, "a"), (13, "s"), (14, "a")], [14]),
        (reactive(after=["s"], within=10), [(1, "s"), (12, "s"), (13, "a")], [13]),
        (reactive(after=["a"], expect=["a"]), [(1, "a"), (2, "a"), (3, "a"), (4, "a")], [2, 4]),
        (reactive(expect=["a.*"]), [(1, "a.b"), (2, "a"), (3, "a.c")], [1, 3]),
        (reactive(expect=[]), [(1, "a"), (2, "b")], [1, 2]),
        (proactive(), [(10, "tick"), (15, "tick"), (20, "tick")], [10, 20]),
        (proactive(), [(3, "a"), (10, "tick"), (20, "tick")], [20]),
        (proactive(threshold=2), [(3, "a"), (10, "tick")], [10]),
        (proactive(), [(3, "a"), (11, "a"), (22, "tick")], []),
        (proactive(), [(12, "a"), (22, "tick")], [10]),
        (proactive(after=["s"]), [(5, "tick"), (6, "s"), (10, "tick"), (16, "tick"), (30, "tick")], [16]),
        (proactive(after=["s"]), [(1, "s"), (5, "a"), (12, "tick")], []),
        (proactive(after=["s"]), [(1, "s"), (12, "a")], [11]),
        (proactive(after=["s"]), [(1, "s"), (9, "s"), (11, "tick")], [11]),
    ],
)
def test_a_trigger_fires_when_it_should(trigger: EventTrigger, happenings: list[tuple[float, str]], times: list[float]) -> None:
    """Reactive and proactive, with and without `after`, `within` and `threshold`, also when events come out of order."""
    assert fired(trigger, *happenings) == times


EVENT: dict[str, Any] = {
    "event": "x",
    "resource": {"prefect.resource.id": "shop.1", "colour": "red"},
    "related": [
        {"prefect.resource.id": "town.1", "prefect.resource.role": "town", "size": "small"},
        {"prefect.resource.id": "land.1", "prefect.resource.role": "land"},
    ],
}


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({}, True),
        ({"match": {"prefect.resource.id": "shop.*"}}, True),
        ({"match": {"prefect.resource.id": ["a.*", "shop.1"]}}, True),
        ({"match": {"prefect.resource.id": "!shop.*"}}, False),
        ({"match": {"colour": "!blue"}}, True),
        ({"match": {"colour": ["!blue", "!red"]}}, False),
        ({"match": {"colour": ["red", "!blue"]}}, True),
        ({"match": {"colour": "red", "shape": "round"}}, False),
        ({"match": {"shape": "!round"}}, True),
        ({"match_related": {"prefect.resource.role": "town", "size": "small"}}, True),
        ({"match_related": {"prefect.resource.role": "land", "size": "small"}}, False),
        ({"match_related": [{"prefect.resource.role": "town"}, {"prefect.resource.id": "land.*"}]}, True),
        ({"match_related": [{"prefect.resource.role": "town"}, {"prefect.resource.id": "sea.*"}]}, False),
    ],
)
def test_a_trigger_is_about_some_resources(fields: dict[str, Any], fits: bool) -> None:
    """With wildcards, several texts, negation, and related resources, each of which may fit another part."""
    assert covers(reactive(**fields), EVENT) is fits


def test_events_are_counted_apart() -> None:
    """By labels of the resource and of related ones; what has no such label is a group of its own."""
    trigger = reactive(for_each=["related:town:prefect.resource.id", "colour", "related:sea:x"])
    group = group_of(trigger, EVENT)
    assert group == {"colour": "red", "related:sea:x": "", "related:town:prefect.resource.id": "town.1"}
    assert group_from(trigger, key_of(group)) == group
