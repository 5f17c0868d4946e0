"""`flowhand deployment schedule …`"""

from __future__ import annotations

from typing import Annotated

import typer

from flowhand.cli import names
from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_json
from flowhand.cli.lazy import noun
from flowhand.cli.tables import Column, write_table
from flowhand.cli.times import lasting, parse_duration, parse_moment
from flowhand.client import deployments
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.errors import ConfigurationError, ObjectNotFound

app = noun("When a deployment runs by itself.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="flow/deployment, or the deployment's name alone, or its id.")]
Which = Annotated[str, typer.Argument(metavar="SCHEDULE", help="The schedule's id, or the beginning of it, or its slug.")]


@app.command("ls")
def ls(name: Name, output: OutputOption = Format.TEXT) -> None:
    """List the schedules of a deployment."""
    with api() as client:
        found = names.deployment(client, name).get("schedules") or []
    if output is Format.JSON:
        return write_json(found)
    rows = [(one["id"], in_words(one), "yes" if one.get("active", True) else "no") for one in found]
    return write_table([Column("ID", fixed=True), Column("WHEN"), Column("ACTIVE", fixed=True)], rows, empty="It has no schedules.")


@app.command("create")
def create(
    name: Name,
    interval: Annotated[str | None, typer.Option(metavar="DURATION", help="Such as 45, 15m or 1d.")] = None,
    cron: Annotated[str | None, typer.Option(metavar="EXPRESSION", help="Five fields, such as '0 9 * * 1-5'.")] = None,
    rrule: Annotated[str | None, typer.Option(metavar="RULE", help="As in RFC 5545, such as FREQ=DAILY;BYHOUR=9.")] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="An IANA name, such as Europe/Berlin; default: UTC.")] = None,
    anchor: Annotated[str | None, typer.Option(metavar="TIME", help="From when an interval counts.")] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Create it, but leave it inactive.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Add a schedule to a deployment."""
    schedule = _schedule(interval, cron, rrule, timezone, anchor)
    with api() as client:
        found = names.deployment(client, name)
        made = client.send(deployments.create_schedules(found["id"], [{"schedule": schedule, "active": not paused}]))
    if output is Format.JSON:
        return write_json(made)
    return say(f"Deployment '{names.full_name(found)}' now also runs {in_words({'schedule': schedule})}.")


@app.command("pause")
def pause(name: Name, which: Which) -> None:
    """Make a schedule inactive."""
    _set_active(name, which, False)


@app.command("resume")
def resume(name: Name, which: Which) -> None:
    """Make a schedule active again."""
    _set_active(name, which, True)


@app.command("delete")
def delete(name: Name, which: Which, yes: YesOption = False) -> None:
    """Remove a schedule and the runs it planned."""
    with api() as client:
        found, one = _find(client, name, which)
        confirm(f"Delete the schedule {in_words(one)!r} of {names.full_name(found)!r}?", yes)
        client.send(deployments.delete_schedule(found["id"], one["id"]))
    say(f"Deployment '{names.full_name(found)}' no longer runs {in_words(one)}.")


@app.command("clear")
def clear(name: Name, yes: YesOption = False) -> None:
    """Remove all schedules of a deployment."""
    with api() as client:
        found = names.deployment(client, name)
        schedules = found.get("schedules") or []
        confirm(f"Delete {len(schedules)} schedules of {names.full_name(found)!r}?", yes)
        for one in schedules:
            client.send(deployments.delete_schedule(found["id"], one["id"]))
    say(f"Deployment '{names.full_name(found)}' has no schedules any more.")


def in_words(entry: Json) -> str:
    """`every 45 s`, `at cron 0 9 * * *`, `by rule FREQ=DAILY`, with the zone where it matters."""
    schedule: Json = entry.get("schedule") or {}
    if schedule.get("interval") is not None:
        return f"every {lasting(float(schedule['interval']))}"
    zone = schedule.get("timezone")
    where = f" {zone}" if zone and zone != "UTC" else ""
    if schedule.get("cron"):
        return f"at cron {schedule['cron']}{where}"
    return f"by rule {' '.join(str(schedule.get('rrule', '?')).split())}{where}"


def _schedule(interval: str | None, cron: str | None, rrule: str | None, timezone: str | None, anchor: str | None) -> Json:
    if sum(kind is not None for kind in (interval, cron, rrule)) != 1:
        raise ConfigurationError("give one of --interval, --cron and --rrule")
    if anchor is not None and interval is None:
        raise ConfigurationError("--anchor belongs to --interval")
    schedule: Json = {"timezone": timezone} if timezone else {}
    if interval is not None:
        schedule["interval"] = parse_duration(interval).total_seconds()
        if anchor is not None:
            schedule["anchor_date"] = parse_moment(anchor).isoformat()
    elif cron is not None:
        schedule["cron"] = cron
    else:
        schedule["rrule"] = rrule
    return schedule


def _set_active(name: str, which: str, active: bool) -> None:
    with api() as client:
        found, one = _find(client, name, which)
        client.send(deployments.update_schedule(found["id"], one["id"], {"active": active}))
    say(f"The schedule '{in_words(one)}' of deployment '{names.full_name(found)}' is {'active' if active else 'paused'}.")


def _find(client: SyncApiClient, name: str, which: str) -> tuple[Json, Json]:
    found = names.deployment(client, name)
    fitting = [one for one in found.get("schedules") or () if one.get("slug") == which or one["id"].startswith(which)]
    if len(fitting) != 1:
        how = "has no schedule" if not fitting else "has several schedules"
        raise ObjectNotFound(f"deployment '{names.full_name(found)}' {how} {which!r}; `flowhand deployment schedule ls` lists them")
    return found, fitting[0]
