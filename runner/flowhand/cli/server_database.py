"""`flowhand server database …`"""

from __future__ import annotations

import sys
from typing import Any

import typer

from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.failures import Exit
from flowhand.cli.formats import Format, OutputOption, say, write_json
from flowhand.cli.lazy import noun
from flowhand.cli.server_program import ask
from flowhand.errors import ConfigurationError

app = noun("The server's database: bring it up to date, look for damage, begin anew.")


@app.command("upgrade")
def upgrade(yes: YesOption = False, output: OutputOption = Format.TEXT) -> None:
    """Bring the schema to this version's, which a server also does when it starts. Refused while one runs. Make a backup first."""
    confirm("Upgrade the database? An older version cannot open it afterwards; a backup can be restored.", yes)
    done = ask("database-upgrade", quiet=output is Format.JSON)
    if output is Format.JSON:
        return write_json(done)
    if done["from"] == done["to"]:
        return say(f"{done['database']} has schema {done['to']} already.")
    return say(f"{done['database']} has schema {done['to']} now (was {done['from'] or 'new'}).")


@app.command("reset")
def reset(yes: YesOption = False, output: OutputOption = Format.TEXT) -> None:
    """Delete everything: runs, deployments, blocks, keys. Refused while a server runs."""
    if not yes and not sys.stdin.isatty():
        raise ConfigurationError("this deletes every run, deployment, block and key; pass --yes to have it done")
    confirm("Delete every run, deployment, block and key?", yes)
    done = ask("database-reset", quiet=output is Format.JSON)
    if output is Format.JSON:
        return write_json(done)
    return say(f"{done['database']} is empty, with schema {done['to']}.")


@app.command("check")
def check(output: OutputOption = Format.TEXT) -> None:
    """Look for damage: integrity, schema, foreign keys, orphans. Changes nothing, and a server may run. Exit code 1 when there is some."""
    found = ask("database-check")
    if output is Format.JSON:
        write_json(found)
    else:
        say(found["database"])
        for one in found["checks"]:
            _say_finding(one)
    if not found["sound"]:
        raise typer.Exit(Exit.FAILED)


def _say_finding(one: dict[str, Any]) -> None:
    if not one["found"]:
        return say(f"  ok    {one['check']}")
    word, examples = "note " if one["sound"] else "WRONG", ", ".join(map(str, one["examples"]))
    say(f"  {word} {one['check']}: not so {one['found']} times, such as {examples}")
    return say(f"        {one['do']}")
