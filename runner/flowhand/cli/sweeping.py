"""What `flowhand worker sweep` does and says."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from flowhand.cli.failures import Exit
from flowhand.cli.formats import Format, write_json
from flowhand.cli.tables import Column, write_table
from flowhand.execution.containers.sweeping import sweep_containers
from flowhand.execution.sweep import Stray, Sweep, attendance, instance_mark, strays, sweep
from flowhand.settings import load
from flowhand.wire.job import run_of_late_hooks


def sweep_home(dry_run: bool, output: Format) -> None:
    """Ends the strays of this home's dead instances, or lists them. Exit code 1 when some could not be ended."""
    home = load().home
    swept = would_sweep(home) if dry_run else sweep(home)
    containers = sweep_containers(home, dry_run=dry_run)
    if output is Format.JSON:
        write_json(
            {
                "ended": [_as_json(stray) for stray in swept.ended],
                "survivors": [_as_json(stray) for stray in swept.survivors],
                "unattended": [str(path) for path in swept.unattended],
                "containers": [run_of(key) for key in containers],
            }
        )
    else:
        _say(swept, containers, dry_run)
    if swept.survivors:
        raise typer.Exit(Exit.FAILED)


def would_sweep(home: Path) -> Sweep:
    """What a sweep would end: nothing is signalled."""
    found = Sweep()
    for directory in sorted((home / "instances").glob("*/")):
        state = attendance(directory)
        if state == "dead":
            prefix = instance_mark(directory)
            found.ended.extend(strays(lambda mark, prefix=prefix: mark.startswith(prefix)))
        elif state == "unattended":
            found.unattended.append(directory)
    return found


def _say(swept: Sweep, containers: list[str], dry_run: bool) -> None:
    done = "would be ended" if dry_run else "ended"
    rows = [(str(stray.process.pid), _run_of(stray), done) for stray in swept.ended]
    rows += [(str(stray.process.pid), _run_of(stray), "could not be ended") for stray in swept.survivors]
    rows += [("container", run_of(key), done) for key in containers]
    write_table([Column("PID", fixed=True), Column("RUN", fixed=True), Column("WHAT")], rows, empty="No strays of dead workers here.")
    for directory in swept.unattended:
        sys.stdout.write(f"{directory.name}: its keeper goes on without a daemon; start the worker again to adopt its runs.\n")


def run_of(key: str) -> str:
    """The id of the run that an attempt is of, or whose hooks a process calls."""
    return (run_of_late_hooks(key) or key).rpartition(".")[0]


def _run_of(stray: Stray) -> str:
    return run_of(stray.mark.partition(":")[2])


def _as_json(stray: Stray) -> dict[str, object]:
    return {"pid": stray.process.pid, "flow_run_id": _run_of(stray)}
