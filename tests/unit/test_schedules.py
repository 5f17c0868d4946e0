"""When schedules fall due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flowhand.clock import to_datetime, to_micros
from flowhand.wire.schedules import check, occurrences

BERLIN = "Europe/Berlin"
ZONES = [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca", "Pacific/Chatham"]


def us(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


def utc(schedule: dict[str, Any], start: str, limit: int = 4) -> list[str]:
    return [f"{to_datetime(at):%m-%d %H:%M}" for at in occurrences(schedule, us(start), limit)]


# The clocks of Berlin go forward on 2026-03-29 at 02:00 (01:00 UTC) and back on 2026-10-25 at 03:00 (01:00 UTC).
GOLDEN: list[tuple[str, dict[str, Any], str, list[str]]] = [
    (
        "a daily interval keeps the local hour, and moves out of the gap for that day only",
        {"interval": 86400, "anchor_date": "2026-01-21T01:30:00Z", "timezone": BERLIN},
        "2026-03-28T00:00Z",
        ["03-28 01:30", "03-29 01:30", "03-30 00:30", "03-31 00:30"],
    ),
    (
        "six hours are absolute",
        {"interval": 21600, "anchor_date": "2026-01-21T00:00:00Z", "timezone": BERLIN},
        "2026-03-28T18:00Z",
        ["03-28 18:00", "03-29 00:00", "03-29 06:00", "03-29 12:00"],
    ),
    (
        "36 hours are a day on the wall and twelve absolute hours",
        {"interval": 129600, "anchor_date": "2026-03-27T23:00:00Z", "timezone": BERLIN},
        "2026-03-27T00:00Z",
        ["03-27 23:00", "03-29 11:00", "03-30 23:00", "04-01 11:00"],
    ),
    (
        "a daily cron in the gap runs an hour later, once",
        {"cron": "30 2 * * *", "timezone": BERLIN},
        "2026-03-28T00:00Z",
        ["03-28 01:30", "03-29 01:30", "03-30 00:30", "03-31 00:30"],
    ),
    (
        "a cron in the gap can be skipped",
        {"cron": "30 2 * * *", "timezone": BERLIN, "dst_gap": "skip"},
        "2026-03-28T00:00Z",
        ["03-28 01:30", "03-30 00:30", "03-31 00:30", "04-01 00:30"],
    ),
    (
        "half-hours in the gap yield no extra runs",
        {"cron": "*/30 * * * *", "timezone": BERLIN},
        "2026-03-29T00:00Z",
        ["03-29 00:00", "03-29 00:30", "03-29 01:00", "03-29 01:30"],
    ),
    (
        "an hourly cron fires once for the repeated hour",
        {"cron": "0 * * * *", "timezone": BERLIN},
        "2026-10-24T23:00Z",
        ["10-24 23:00", "10-25 00:00", "10-25 02:00", "10-25 03:00"],
    ),
    (
        "or twice, when the schedule says so",
        {"cron": "0 * * * *", "timezone": BERLIN, "dst_fold": "both"},
        "2026-10-24T23:00Z",
        ["10-24 23:00", "10-25 00:00", "10-25 01:00", "10-25 02:00"],
    ),
    (
        "or at the second time",
        {"cron": "30 2 * * *", "timezone": BERLIN, "dst_fold": "second"},
        "2026-10-24T00:00Z",
        ["10-24 00:30", "10-25 01:30", "10-26 01:30", "10-27 01:30"],
    ),
    (
        "a daily rule keeps the wall time",
        {"rrule": "DTSTART:20200101T023000\nRRULE:FREQ=DAILY", "timezone": BERLIN},
        "2026-03-28T00:00Z",
        ["03-28 01:30", "03-29 01:30", "03-30 00:30", "03-31 00:30"],
    ),
    (
        "a rule's own zone counts when the schedule names none",
        {"rrule": "DTSTART;TZID=America/New_York:20260101T090000\nRRULE:FREQ=DAILY"},
        "2026-03-07T00:00Z",
        ["03-07 14:00", "03-08 13:00", "03-09 13:00", "03-10 13:00"],
    ),
    (
        "a rule each half hour runs twice through the fold",
        {"rrule": "FREQ=MINUTELY;INTERVAL=30", "timezone": BERLIN, "dst_fold": "both"},
        "2026-10-25T00:00Z",
        ["10-25 00:00", "10-25 00:30", "10-25 01:00", "10-25 01:30"],
    ),
    (
        "what is shifted comes in its order",
        {"rrule": "DTSTART:20200101T000000\nRRULE:FREQ=HOURLY;INTERVAL=1;BYMINUTE=10,50", "timezone": BERLIN},
        "2026-03-29T00:30Z",
        ["03-29 00:50", "03-29 01:10", "03-29 01:50", "03-29 02:10"],
    ),
    (
        "six fields have the seconds last",
        {"cron": "0 12 * * * 30"},
        "2026-01-01T12:00:30.5Z",
        ["01-02 12:00", "01-03 12:00", "01-04 12:00", "01-05 12:00"],
    ),
    (
        "day_or false wants both days",
        {"cron": "0 0 13 * FRI", "day_or": False},
        "2026-01-01T00:00Z",
        ["02-13 00:00", "03-13 00:00", "11-13 00:00", "08-13 00:00"],
    ),
    (
        "a rule with exceptions",
        {"rrule": "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY\nEXDATE:20260103T000000Z"},
        "2026-01-02T00:00Z",
        ["01-02 00:00", "01-04 00:00", "01-05 00:00", "01-06 00:00"],
    ),
    ("a counted rule without a start is over", {"rrule": "FREQ=HOURLY;COUNT=5"}, "2026-01-01T00:00Z", []),
    ("a day that never comes", {"cron": "0 0 30 2 *"}, "2026-01-01T00:00Z", []),
    ("a rule that never comes", {"rrule": "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"}, "2026-01-01T00:00Z", []),
]


@pytest.mark.parametrize(("schedule", "start", "expected"), [row[1:] for row in GOLDEN], ids=[row[0] for row in GOLDEN])
def test_golden_table(schedule: dict[str, Any], start: str, expected: list[str]) -> None:
    """Each row: a schedule, a start, and the UTC times that follow, computed by hand."""
    check(schedule)
    assert utc(schedule, start) == expected


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)),
)
@settings(max_examples=30, deadline=None)
def test_a_daily_cron_agrees_with_walking_through_the_minutes(zone: str, hour: int, minute: int, start: datetime) -> None:
    """An independent computation: look at the wall clock each minute, take the first sight of the time, or the gap's end plus the rest."""
    found = occurrences({"cron": f"{minute} {hour} * * *", "timezone": zone}, to_micros(start.replace(tzinfo=UTC)), 3)
    at = start.replace(second=0, microsecond=0, tzinfo=UTC) - timedelta(days=2)
    walked, seen = [], set[datetime]()
    previous = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    while len([moment for moment in walked if moment >= to_micros(start.replace(tzinfo=UTC))]) < 3:
        at += timedelta(minutes=1)
        wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
        skipped = previous + timedelta(minutes=1)
        while skipped < wall:  # the clock jumped over these
            if (skipped.hour, skipped.minute) == (hour, minute):
                walked.append(to_micros(at) + (skipped - previous - timedelta(minutes=1)) // timedelta(microseconds=1))
            skipped += timedelta(minutes=1)
        if (wall.hour, wall.minute) == (hour, minute) and wall not in seen:
            seen.add(wall)
            walked.append(to_micros(at))
        previous = wall
    assert found == [moment for moment in walked if moment >= to_micros(start.replace(tzinfo=UTC))][:3]


SCHEDULES = st.one_of(
    st.builds(
        lambda seconds, anchor, zone: {"interval": seconds, "anchor_date": anchor.isoformat() + "Z", "timezone": zone},
        st.sampled_from([45, 0.5, 3600, 86400, 86400 * 7, 129600, 90000]),
        st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)),
        st.sampled_from(ZONES),
    ),
    st.builds(
        lambda cron, zone, fold, gap: {"cron": cron, "timezone": zone, "dst_fold": fold, "dst_gap": gap},
        st.sampled_from(["*/7 * * * *", "15,45 1-3 * * *", "0 2 * * SUN", "30 2 * * *"]),
        st.sampled_from(ZONES),
        st.sampled_from(["first", "second", "both"]),
        st.sampled_from(["shift", "skip"]),
    ),
    st.builds(
        lambda rule, zone, fold, gap: {"rrule": rule, "timezone": zone, "dst_fold": fold, "dst_gap": gap},
        st.sampled_from(
            [
                "FREQ=MINUTELY;INTERVAL=7",
                "FREQ=HOURLY;INTERVAL=5;BYMINUTE=3",
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU",
                "FREQ=MONTHLY;BYDAY=-1FR",
            ]
        ),
        st.sampled_from(ZONES),
        st.sampled_from(["first", "second", "both"]),
        st.sampled_from(["shift", "skip"]),
    ),
)
CHANGES = [datetime(2026, 3, 29), datetime(2026, 10, 24, 22), datetime(2026, 4, 4, 12), datetime(2026, 10, 3, 12), datetime(2026, 11, 1, 4)]
STARTS = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)),
    st.builds(lambda near, minutes: near + timedelta(minutes=minutes), st.sampled_from(CHANGES), st.integers(0, 600)),
)


@given(schedule=SCHEDULES, start=STARTS, skip=st.integers(1, 9))
@example(schedule={"cron": "*/7 * * * *", "timezone": "Australia/Lord_Howe", "dst_fold": "both"}, start=datetime(2026, 4, 4, 13), skip=1)
@example(schedule={"cron": "*/7 * * * *", "timezone": "America/St_Johns", "dst_fold": "both"}, start=datetime(2026, 11, 1, 4), skip=1)
@example(schedule={"interval": 129600, "anchor_date": "2026-04-26T12:00:00Z", "timezone": BERLIN}, start=datetime(2026, 3, 29), skip=1)
@settings(max_examples=200, deadline=None)
def test_what_is_found_does_not_depend_on_where_one_looks(schedule: dict[str, Any], start: datetime, skip: int) -> None:
    """A slot time is the same slot for ever: beginning at an occurrence yields it and those behind it; all ascend strictly."""
    begin = to_micros(start.replace(tzinfo=UTC))
    whole = occurrences(schedule, begin, 20)
    assert whole == sorted(set(whole))
    assert all(at >= begin for at in whole)
    assert occurrences(schedule, whole[skip], 20 - skip) == whole[skip:]
    assert occurrences(schedule, whole[skip - 1] + 1, 20 - skip) == whole[skip:]
    assert occurrences(schedule, begin, 20, until_us=whole[skip]) == whole[: skip + 1]


@given(
    seconds=st.floats(0.001, 80_000).map(lambda value: round(value, 6)),
    anchor=st.integers(0, 2**51),
    start=st.integers(0, 2**51),
)
def test_short_intervals_are_the_anchor_plus_a_multiple(seconds: float, anchor: int, start: int) -> None:
    """Microseconds of the anchor are kept, the anchor may lie ahead, and a start on an occurrence is included."""
    step = round(seconds * 1_000_000)
    found = occurrences({"interval": seconds, "anchor_date": to_datetime(anchor).isoformat()}, start, 2)
    assert (found[0] - anchor) % step == 0
    assert start <= found[0] < start + step
    assert found[1] == found[0] + step


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({}, "exactly one of interval, cron and rrule"),
        ({"interval": 1, "cron": "* * * * *"}, "interval and cron"),
        ({"interval": 0}, "above zero"),
        ({"interval": float("nan")}, "above zero"),
        ({"interval": "soon"}, "number of seconds"),
        ({"interval": 1, "anchor_date": "tomorrow"}, "ISO-8601"),
        ({"cron": "@reboot"}, "@reboot"),
        ({"cron": "H * * * *"}, "not supported"),
        ({"cron": "R(0-5) * * * *"}, "not supported"),
        ({"cron": "61 * * * *"}, "out of range"),
        ({"cron": "0 0 1 1 * 0 2030"}, "six with the seconds last"),
        ({"cron": "* * * * *", "timezone": "Mars/Olympus"}, "not a known time zone"),
        ({"cron": "* * * * *", "dst_gap": "jump"}, "dst_gap"),
        ({"rrule": "FREQ=FORTNIGHTLY"}, "FORTNIGHTLY"),
        ({"rrule": "FREQ=DAILY;INTERVAL=0"}, "INTERVAL"),
        ({"rrule": "BEGIN:VCALENDAR\nRRULE:FREQ=DAILY"}, "BEGIN"),
        ({"rrule": "FREQ=DAILY;" + "X" * 6500}, "at most 6500"),
    ],
)
def test_a_wrong_schedule_is_told_in_words(schedule: dict[str, Any], words: str) -> None:
    """Each is a ValueError that says what is wrong."""
    with pytest.raises(ValueError, match=words):
        check(schedule)


@pytest.mark.parametrize("cron", ["@daily", "0 0 L * *", "0 0 * * fri#1", "0 9 * JAN-MAR THU", "*/15 * * * * 30"])
def test_these_crons_are_taken(cron: str) -> None:
    """Names, `L`, `#`, aliases and six fields are fine (contract 5.2)."""
    check({"cron": cron})
    assert len(occurrences({"cron": cron}, us("2026-01-01T00:00Z"), 2)) == 2
