"""Which slots of a schedule become runs."""

from __future__ import annotations

from typing import Any

import pytest

from flowhand.clock import to_iso
from flowhand_server.orchestration.slots import missed_slots, plan, wanted

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND


def every(seconds: float) -> dict[str, Any]:
    return {"interval": seconds, "anchor_date": to_iso(NOW), "timezone": "UTC"}


def test_a_short_interval_is_planned_for_an_hour() -> None:
    """The contract's own example: 45 s makes about 80 runs."""
    planned = plan(every(45), NOW)
    assert len(planned.slots) == 81
    assert planned.slots[-1] >= NOW + HOUR


def test_a_long_interval_gets_three() -> None:
    """A daily schedule has three runs ahead, and is looked at again when the first of them has gone."""
    planned = plan(every(86_400), NOW)
    assert planned.slots == [NOW, NOW + 24 * HOUR, NOW + 48 * HOUR]
    assert NOW < planned.look_at <= NOW + 24 * HOUR


def test_never_more_than_a_hundred() -> None:
    """A schedule of every second does not fill the table."""
    assert len(plan(every(1), NOW).slots) == 100


def test_it_is_looked_at_before_it_runs_dry() -> None:
    """Going from look to look, every slot is planned before its time."""
    for seconds in (1, 45, 600, 4000, 86_400):
        now, planned = NOW, plan(every(seconds), NOW)
        seen = set(planned.slots)
        for _ in range(5):
            now = planned.look_at
            following = plan(every(seconds), now)
            gap = [slot for slot in missed_slots(every(seconds), NOW - 1, now) if slot not in seen and slot < now]
            assert gap == []
            seen |= set(following.slots)
            planned = following


@pytest.mark.parametrize(
    ("catchup", "expected"),
    [(None, {30}), ("latest", {30}), ("none", set()), ("all", {10, 20, 30}), ({"window": 15 / SECOND}, {30})],
)
def test_catch_up(catchup: Any, expected: set[int]) -> None:
    """After an outage only what the schedule declares is run; the latest slot by default."""
    assert wanted([10, 20, 30], catchup, 40) == expected


def test_missed_slots_are_bounded() -> None:
    """Three days of a schedule of every second leave the latest thousand."""
    missed = missed_slots(every(1), NOW - 72 * HOUR, NOW)
    assert len(missed) == 1000
    assert missed[-1] == NOW
