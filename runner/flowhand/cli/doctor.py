"""`flowhand doctor`"""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.text import Text

from flowhand.cli.failures import Exit
from flowhand.cli.formats import Format, OutputOption, write_json
from flowhand.cli.tables import Column, write_table
from flowhand.daemon.diagnosis import diagnose
from flowhand.daemon.finding import Level
from flowhand.settings import load

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}


@app.command()
def doctor(output: OutputOption = Format.TEXT) -> None:
    """What is wrong on this machine, and what to do about it. Exit code 1 when there is a problem."""
    findings = list(diagnose(load()))
    if output is Format.JSON:
        write_json([asdict(finding) for finding in findings])
    else:
        rows = [
            (
                Text(finding.level.value, style=COLOURS[finding.level]),
                finding.what,
                "\n→ ".join(filter(None, (finding.found, finding.advice))),
            )
            for finding in findings
        ]
        write_table([Column("", fixed=True), Column("WHAT"), Column("FOUND")], rows, empty="")
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise typer.Exit(Exit.FAILED)
