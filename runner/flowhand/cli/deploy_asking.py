"""What `flowhand deploy` asks on a terminal: whatever a deployment lacks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from flowhand.cli.deploy_images import ask_for_image
from flowhand.cli.formats import say
from flowhand.client import work_pools
from flowhand.client.api import SyncApiClient
from flowhand.deployments.projects.finding import flows_in
from flowhand.deployments.projects.project_file import Entry, ProjectFile
from flowhand.deployments.projects.saving import as_text, save


def on_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Terminal:
    """Asks whoever sits there."""

    def choose(self, question: str, choices: Sequence[str]) -> int:
        """The number of the choice taken, from 0. typer.Abort on Ctrl-C."""
        for number, choice in enumerate(choices, 1):
            say(f"  {number}. {choice}")
        taken: int = typer.prompt(question, type=int, default=1)
        while not 1 <= taken <= len(choices):
            taken = typer.prompt(f"{question} (1 to {len(choices)})", type=int)
        return taken - 1

    def text(self, question: str, default: str | None = None) -> str:
        """A line; asked for again until there is one where there is no default."""
        return str(typer.prompt(question, default=default))

    def agrees(self, question: str, default: bool = False) -> bool:
        """Yes or no."""
        return typer.confirm(question, default=default)


def complete(entry: Entry, file: ProjectFile, client: SyncApiClient, terminal: Terminal) -> None:
    """Has the entrypoint, the name, the work pool and, of a new deployment, the image and the schedule filled in."""
    given = entry.given
    if not given.get("entrypoint"):
        given["entrypoint"] = _entrypoint(terminal)
    if not given.get("name"):
        given["name"] = terminal.text("Name of the deployment", "default")
    if not (given.get("work_pool") or {}).get("name"):
        given["work_pool"] = {**(given.get("work_pool") or {}), "name": _pool(client, terminal)}
    if entry.file is None:
        ask_for_image(entry, file, client, terminal)
    if entry.file is None and "schedules" not in given:
        given["schedules"] = _schedules(terminal)


def offer_to_save(entry: Entry, file: ProjectFile, terminal: Terminal) -> None:
    """Of a deployment that stands in no file yet."""
    if entry.file is not None or not terminal.agrees("Write this deployment into the project file?"):
        return
    path = save(entry, file.path)
    if path is None:
        say(f"{file.path} does not end with its deployments; add this to them:\n{as_text(entry)}")
    else:
        say(f"Wrote it into {path}; deploy it again with: flowhand deploy --name {entry.name}")


def _entrypoint(terminal: Terminal) -> str:
    found = flows_in(Path.cwd())
    if not found:
        return terminal.text("There is no flow in this folder. Entrypoint", "flows.py:my_flow")
    return found[terminal.choose("Which flow?", found)]


def _pool(client: SyncApiClient, terminal: Terminal) -> str:
    pools = client.run(work_pools.listed())
    if pools:
        return pools[terminal.choose("Which work pool?", [f"{pool['name']}  ({pool['type']})" for pool in pools])]["name"]
    name = terminal.text("There is no work pool yet. Name of a new one, for processes", "default")
    client.send(work_pools.create(name, base_job_template=client.run(work_pools.templates()).get("process")))
    return name


def _schedules(terminal: Terminal) -> list[dict[str, object]]:
    kinds = ("no schedule", "every so many seconds", "cron expression")
    match terminal.choose("When should it run?", kinds):
        case 1:
            return [{"interval": float(terminal.text("Seconds", "3600"))}]
        case 2:
            return [{"cron": terminal.text("Cron expression", "0 0 * * *")}]
        case _:
            return []
