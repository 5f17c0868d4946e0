"""`flowhand server …`"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from flowhand.cli import server_database, server_key
from flowhand.cli.failures import Exit
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.server_status import facts
from flowhand.cli.times import ago
from flowhand.client.call import Json
from flowhand.client.embedded import start_server
from flowhand.client.published import published_server
from flowhand.client.spawn import server_command, server_environment
from flowhand.client.stopping import stop_server
from flowhand.errors import ConfigurationError
from flowhand.settings import Settings, load

app = noun(NOUNS["server"].about)
app.add_typer(server_key.app, name="key")
app.add_typer(server_database.app, name="database")


@app.command("start")
def start(
    host: Annotated[str | None, typer.Option(metavar="HOST", help="The address to listen on; default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, metavar="PORT", help="The port; default: 4200, 0 takes a free one.")] = None,
    background: Annotated[bool, typer.Option("--background", "-b", help="Return when it answers; `server stop` ends it.")] = False,
    allow_unauthenticated: Annotated[
        bool, typer.Option("--allow-unauthenticated", help="Listen on another address than the loopback without credentials.")
    ] = False,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Serve HTTPS with this certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate's key, when it is in a file of its own.")] = None,
) -> None:
    """Start the API server, in the foreground unless told otherwise."""
    certificate, key = tls_cert and tls_cert.absolute(), tls_key and tls_key.absolute()
    settings = load(server_host=host, server_port=port, server_tls_cert=certificate, server_tls_key=key)
    running = published_server(settings.home)
    if running is not None:
        raise ConfigurationError(f"a server of {settings.home} runs already: {running.url}, pid {running.pid}")
    options = ["--allow-unauthenticated"] if allow_unauthenticated else []
    if background:
        published = start_server(settings, *options)
        say(f"The server runs at {published.url} (pid {published.pid}); `flowhand server stop` ends it.")
    else:
        become_server(settings, options)


@app.command("status")
def status(output: OutputOption = Format.TEXT) -> None:
    """Show whether the API answers, where it is and what it is. Exit code 3 when it does not."""
    found = facts(load())
    if output is Format.JSON:
        write_json(found)
    else:
        write_fields({**found, "sessions": [_in_words(one) for one in found.get("sessions") or ()]})
    if not found["running"]:
        raise typer.Exit(Exit.UNREACHABLE)


@app.command("stop")
def stop() -> None:
    """Stop this machine's server (of this home) and wait until it is gone."""
    settings = load()
    running = published_server(settings.home)
    if running is None:
        return say(f"No server of {settings.home} is running.")
    stop_server(running)
    return say(f"Stopped the server at {running.url} (pid {running.pid}).")


def _in_words(session: Json) -> str:
    pool = f" on {session['work_pool']}" if session.get("work_pool") else ""
    return f"{session['kind']} {session['name']}{pool}, pid {session['pid']} on {session['host']}, heard of {ago(session['last_seen'])}"


def become_server(settings: Settings, options: list[str]) -> NoReturn:
    """Turns this process into the server, whose signals and exit status are then its own."""
    command = server_command(*options, "--home", str(settings.home))
    os.execve(command[0], command, server_environment(settings))  # a list of our own making, no shell
