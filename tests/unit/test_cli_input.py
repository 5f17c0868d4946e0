"""What people type: durations, times, parameters, names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import typer

from flowhand.cli.names import near
from flowhand.cli.parameters import check_names, parse_object, parse_pairs
from flowhand.cli.schedule import in_words
from flowhand.cli.times import ago, lasting, parse_duration, parse_moment, parse_since
from flowhand.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5", 1.5),
        ("15m", 900),
        ("1h30m", 5400),
        ("2 hours", 7200),
        ("1 day, 2 min", 86520),
        ("1 h and 5 s", 3605),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """Numbers are seconds, units may be letters or words."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", " ", "soon", "5 parsecs", "-5", "1h foo"])
def test_a_duration_that_is_none_is_told(text: str) -> None:
    """Nonsense is refused with examples."""
    with pytest.raises(typer.BadParameter, match="write 90"):
        parse_duration(text)


def test_moments() -> None:
    """ISO with a zone means that zone; without one, the local one; a time alone is today."""
    assert parse_moment("2026-01-31T09:00+02:00") == datetime(2026, 1, 31, 7, tzinfo=UTC)
    assert parse_moment("2026-01-31T09:00").astimezone().hour == 9
    assert parse_moment("09:00").astimezone().date() == datetime.now(UTC).astimezone().date()
    with pytest.raises(typer.BadParameter, match="write 2026"):
        parse_moment("half past")


def test_since_takes_both() -> None:
    """`10m` is ten minutes before now."""
    assert abs(parse_since("10m") - (datetime.now(UTC) - timedelta(minutes=10))) < timedelta(seconds=5)
    assert parse_since("2026-01-31T09:00Z") == datetime(2026, 1, 31, 9, tzinfo=UTC)


def test_ago_and_lasting() -> None:
    """Times and durations are told as people say them."""
    assert ago((datetime.now(UTC) - timedelta(minutes=3, seconds=1)).isoformat()) == "3 minutes ago"
    assert ago(None) == "-"
    assert [lasting(value) for value in (45.0, 0.25, 7200.0, 90.0)] == ["45 s", "0.25 s", "2 h", "1 minute 30 seconds"]


def test_parameters_are_json_else_text() -> None:
    """Numbers, lists and null are read as JSON; what is none is text; a value may hold `=`."""
    assert parse_pairs(["n=3", "name=abc", "xs=[1]", "none=null", "q=a=b", 's="3"', "e="], "--param") == {
        "n": 3,
        "name": "abc",
        "xs": [1],
        "none": None,
        "q": "a=b",
        "s": "3",
        "e": "",
    }


def test_a_pair_that_is_none_is_told() -> None:
    """A parameter without `=` is named."""
    with pytest.raises(typer.BadParameter, match="'n3' is not of the form key=value"):
        parse_pairs(["n3"], "--param")


def test_parameters_as_an_object() -> None:
    """An object is read; a list is refused."""
    assert parse_object('{"a": 1}', "--params") == {"a": 1}
    with pytest.raises(typer.BadParameter, match="not a JSON object"):
        parse_object("[1]", "--params")


def test_an_unknown_parameter_is_told_with_the_one_that_was_meant() -> None:
    """Only where the flow's schema is enforced and closed."""
    schema = {"properties": {"sleep": {}, "name": {}}}
    with pytest.raises(ConfigurationError, match="no parameter 'slep', did you mean 'sleep'"):
        check_names({"parameter_openapi_schema": schema}, {"slep": 1})
    check_names({"parameter_openapi_schema": schema, "enforce_parameter_schema": False}, {"slep": 1})
    check_names({"parameter_openapi_schema": schema}, {"sleep": 1})


def test_near_names() -> None:
    """A slip of the keyboard finds its name, whatever the case; nonsense finds none."""
    assert near("my-pol", ["my-pool", "other"]) == "my-pool"
    assert near("FAST-FLOW/Fast", ["fast-flow/fast"]) == "fast-flow/fast"
    assert near("zzz", ["my-pool"]) is None


def test_schedules_in_words() -> None:
    """Each kind of schedule is said in a few words."""
    assert in_words({"schedule": {"interval": 45.0}}) == "every 45 s"
    assert in_words({"schedule": {"cron": "0 9 * * *", "timezone": "Europe/Berlin"}}) == "at cron 0 9 * * * Europe/Berlin"
    assert in_words({"schedule": {"rrule": "FREQ=DAILY", "timezone": "UTC"}}) == "by rule FREQ=DAILY"
