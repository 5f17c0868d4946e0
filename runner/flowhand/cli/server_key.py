"""`flowhand server key …`"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.formats import Format, OutputOption, say, write_json
from flowhand.cli.lazy import noun
from flowhand.cli.server_program import ask
from flowhand.cli.tables import Column, write_table
from flowhand.cli.times import ago, parse_duration
from flowhand.client.published import published_server
from flowhand.settings import load

app = noun("Keys of the API: who may do what. Made and revoked in this machine's database, also while its server runs.")


class Scope(StrEnum):
    """What a key may do (docs/security.md)."""

    READ = "read"
    RUN = "run"
    DEPLOY = "deploy"
    ADMIN = "admin"


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is; it stands in the audit trail.")],
    scopes: Annotated[
        list[Scope],
        typer.Option(
            "--scope",
            "-s",
            metavar="SCOPE",
            help="read: look; run: what workers and flows need; deploy: change deployments, pools, limits; admin: all.",
        ),
    ],
    expires: Annotated[
        str | None, typer.Option("--expires-in", metavar="DURATION", help="How long it is good for; default: for ever.")
    ] = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Make a key and show it, this once."""
    lasting = [] if expires is None else ["--lasts-s", str(parse_duration(expires).total_seconds())]
    made = ask("key-create", name, *(word for scope in scopes for word in ("--scope", scope.value)), *lasting)
    if output is Format.JSON:
        return write_json(made)
    say(made["key"])
    say(f"It is not shown again. Clients send what FLOWHAND_API_KEY (or PREFECT_API_KEY) holds. Scopes: {_words(made['scopes'])}.")
    if published_server(load().home) is not None:
        say("A server that asked for no credentials when it started goes on so until it is restarted.")
    return None


@app.command("ls")
def ls(
    revoked: Annotated[bool, typer.Option("--revoked", help="Also keys that were revoked.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """List the keys, without what makes them one."""
    found = ask("key-ls", *(["--revoked"] if revoked else []))
    if output is Format.JSON:
        return write_json(found)
    columns = [Column("NAME"), Column("KEY", fixed=True), Column("SCOPES"), Column("CREATED"), Column("EXPIRES"), Column("LAST USED")]
    rows = [
        (
            key["name"],
            f"fhk_{key['public']}_…",
            _words(key["scopes"]),
            ago(key["created"]),
            f"revoked {ago(key['revoked'])}" if key["revoked"] else ago(key["expires"]),
            ago(key["last_used"]),
        )
        for key in found
    ]
    write_table(columns, rows, empty="There are no keys; `flowhand server key create` makes one.")
    return None


@app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name, or the part of it that `key ls` shows.")],
    yes: YesOption = False,
) -> None:
    """End a key; servers refuse it within two seconds."""
    confirm(f"Revoke the key {name!r}? Whoever uses it is refused from then on.", yes)
    gone = ask("key-revoke", name.removeprefix("fhk_").partition("_")[0] if name.startswith("fhk_") else name)
    say(f"Revoked the key '{gone['name']}' (fhk_{gone['public']}_…).")


def _words(scopes: list[str]) -> str:
    return ", ".join(scopes)
