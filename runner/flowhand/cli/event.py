"""`flowhand event …`"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_json_line
from flowhand.cli.lazy import NOUNS, noun
from flowhand.client import events
from flowhand.client.call import Json
from flowhand.client.event_stream import stream as stream_events
from flowhand.errors import ConfigurationError
from flowhand.events.emitting import make_event
from flowhand.wire.events import RESOURCE_ID, RESOURCE_NAME

app = noun(NOUNS["event"].about)


@app.command("stream")
def stream(
    names: Annotated[
        list[str] | None, typer.Option("--event", "-e", metavar="NAME", help="Only these; `*` at the end: all that begin so.")
    ] = None,
    resources: Annotated[list[str] | None, typer.Option("--resource", "-r", metavar="ID", help="Only those about these.")] = None,
    once: Annotated[bool, typer.Option("--run-once", help="Leave after the first one.")] = False,
    backfill: Annotated[bool, typer.Option("--backfill", help="Begin with those of the last minutes.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Print events as they happen, until Ctrl-C."""
    with api() as client:
        address = client.address
    try:
        for event in stream_events(address, _filter(names or [], resources or []), backfill=backfill):
            if not _is_one_of(names or [], event["event"]):
                continue
            if output is Format.JSON:
                write_json_line(event)
            else:
                say(_line(event))
            if once:
                return
    except KeyboardInterrupt:
        raise typer.Exit from None


@app.command("emit")
def emit(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Its name, such as order.paid.")],
    resource_id: Annotated[str | None, typer.Option("--resource-id", metavar="ID", help="What it happened to.")] = None,
    resource: Annotated[str | None, typer.Option("--resource", metavar="JSON", help="The same with labels: a mapping of texts.")] = None,
    related: Annotated[str | None, typer.Option("--related", metavar="JSON", help="A list of other resources, each with a role.")] = None,
    payload: Annotated[str | None, typer.Option("--payload", metavar="JSON", help="A mapping.")] = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Tell the API of an event."""
    labels = _json("--resource", resource, dict) | ({RESOURCE_ID: resource_id} if resource_id else {})
    if not labels:
        raise ConfigurationError(f"say what it happened to: --resource-id ID, or --resource '{{\"{RESOURCE_ID}\": …}}'")
    try:
        made = make_event(event, labels, related=_json("--related", related, list), payload=_json("--payload", payload, dict))
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    with api() as client:
        client.send(events.add([made.body()]))
    if output is Format.JSON:
        return write_json_line(made.body())
    return say(f"Emitted '{event}' with id {made.id}.")


def _filter(names: list[str], resources: list[str]) -> Json:
    wanted: Json = {}
    if names:
        wanted["event"] = {"prefix": [name.removesuffix("*") for name in names]}  # what begins so and is none is left out here
    if resources:
        wanted["any_resource"] = {"id": resources}
    return wanted


def _is_one_of(names: list[str], name: str) -> bool:
    return not names or any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in names)


def _line(event: Json) -> str:
    resource = event["resource"]
    name = resource.get(RESOURCE_NAME)
    return f"{event['occurred']}  {event['event']}  {resource[RESOURCE_ID]}{f' ({name})' if name else ''}"


def _json(option: str, text: str | None, kind: type) -> Any:
    if text is None:
        return kind()
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(f"{option} is no JSON: {error}") from None
    if not isinstance(value, kind):
        raise ConfigurationError(f"{option} is {'a mapping' if kind is dict else 'a list'}, not {text[:40]}")
    return value
