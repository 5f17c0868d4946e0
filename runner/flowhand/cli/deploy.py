"""`flowhand deploy`"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from flowhand.cli.connection import api
from flowhand.cli.deploy_asking import Terminal, complete, offer_to_save, on_terminal
from flowhand.cli.parameters import parse_object, parse_pairs
from flowhand.deployments.projects.deploying_project import deploy_project
from flowhand.deployments.projects.options import Options
from flowhand.deployments.projects.project_file import Entry, ProjectFile, find_file
from flowhand.deployments.projects.selecting import select
from flowhand.errors import ConfigurationError
from flowhand.settings import load

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def deploy(
    entrypoint: Annotated[
        str | None, typer.Argument(metavar="[ENTRYPOINT]", help="path/to/file.py:my_flow, or package.module:my_flow.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", "-n", metavar="NAME", help="A deployment of the file, or a new one's name; may hold *, may be given again."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All deployments of the file.")] = False,
    file: Annotated[
        Path | None, typer.Option("--prefect-file", "--file", metavar="FILE", help="Default: flowhand.yaml, else prefect.yaml.")
    ] = None,
    pool: Annotated[str | None, typer.Option("--pool", "-p", metavar="POOL", help="The work pool that runs are sent to.")] = None,
    work_queue: Annotated[str | None, typer.Option("--work-queue", "-q", metavar="QUEUE", help="A queue of the pool.")] = None,
    job_variable: Annotated[
        list[str] | None,
        typer.Option("--job-variable", "-jv", metavar="KEY=VALUE", help="A job variable, or a JSON object of them. May be given again."),
    ] = None,
    description: Annotated[str | None, typer.Option("--description", "-d", metavar="TEXT", help="Default: the flow's.")] = None,
    version: Annotated[str | None, typer.Option("--version", metavar="TEXT", help="Default: the flow's.")] = None,
    version_type: Annotated[
        str | None, typer.Option("--version-type", metavar="TYPE", hidden=True, help="Accepted, without effect.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="May be given again.")] = None,
    concurrency_limit: Annotated[
        int | None, typer.Option("--concurrency-limit", "-cl", min=1, metavar="N", help="At most so many runs at once.")
    ] = None,
    collision_strategy: Annotated[
        str | None, typer.Option("--collision-strategy", metavar="STRATEGY", help="ENQUEUE or CANCEL_NEW, for runs above the limit.")
    ] = None,
    cron: Annotated[list[str] | None, typer.Option("--cron", metavar="EXPRESSION", help="A schedule. May be given again.")] = None,
    interval: Annotated[list[float] | None, typer.Option("--interval", metavar="SECONDS", help="A schedule. May be given again.")] = None,
    rrule: Annotated[list[str] | None, typer.Option("--rrule", metavar="RULE", help="A schedule. May be given again.")] = None,
    anchor_date: Annotated[str | None, typer.Option("--anchor-date", metavar="TIME", help="From when intervals count.")] = None,
    timezone: Annotated[str | None, typer.Option("--timezone", metavar="ZONE", help="Of all schedules.")] = None,
    trigger: Annotated[
        list[str] | None,
        typer.Option("--trigger", metavar="JSON|FILE", help="JSON, or a .json or .yaml file with triggers. May be given again."),
    ] = None,
    param: Annotated[list[str] | None, typer.Option("--param", metavar="KEY=VALUE", help="A parameter: JSON, else text.")] = None,
    params: Annotated[str | None, typer.Option("--params", metavar="JSON", help="Parameters as one object.")] = None,
    enforce: Annotated[
        bool | None,
        typer.Option(
            "--enforce-parameter-schema/--no-enforce-parameter-schema", help="Whether parameters are checked.", show_default=False
        ),
    ] = None,
    no_prompt: Annotated[bool, typer.Option("--no-prompt", help="Ask nothing, also on a terminal.")] = False,
) -> None:
    """Create or update deployments: those of the project file, or one of a flow.

    Everything is checked before the first step is carried out. On a terminal what is missing is asked for.
    """
    if param and params is not None:
        raise ConfigurationError("--param and --params were both given; give one of them")
    parameters = parse_object(params, "--params") if params is not None else parse_pairs(param or (), "--param")
    options = Options(
        entrypoint=entrypoint,
        description=description,
        version=version,
        tags=tag or [],
        concurrency_limit=concurrency_limit,
        collision_strategy=collision_strategy,
        pool=pool,
        work_queue=work_queue,
        job_variables=_job_variables(job_variable or ()),
        schedules=[{kind: one} for kind, given in (("cron", cron), ("interval", interval), ("rrule", rrule)) for one in given or ()],
        anchor_date=anchor_date,
        timezone=timezone,
        triggers=[one for text in trigger or () for one in _triggers(text)],
        parameters=parameters,
        enforce_parameter_schema=enforce,
    )
    _deploy(find_file(file), options, name or [], every, asking=not no_prompt and on_terminal())


def _deploy(file: ProjectFile, options: Options, names: Sequence[str], every: bool, *, asking: bool) -> None:
    asker = Terminal() if asking else None
    settings = load()
    entries = select(file, names, every, options.entrypoint, asker)
    if len(entries) > 1:
        _refuse_options(options)
    entries = [_with_default_pool(options.over(entry), settings.default_work_pool) for entry in entries]
    sys.path.insert(0, str(Path.cwd()))  # where flows' modules and steps of the user's own come from
    with api() as client:
        if asker is not None and len(entries) == 1:
            complete(entries[0], file, client, asker)
        deploy_project(client, file, entries, settings.ui)
    if asker is not None and len(entries) == 1:
        offer_to_save(entries[0], file, asker)


def _refuse_options(options: Options) -> None:
    given = ", ".join(f"--{name.replace('_', '-')}" for name in options.given)
    if given:
        raise ConfigurationError(
            f"{given} describe one deployment, and several were chosen; write them into the file, or choose one by --name"
        )


def _with_default_pool(entry: Entry, pool: str | None) -> Entry:
    if pool and not (entry.given.get("work_pool") or {}).get("name"):
        entry.given["work_pool"] = {**(entry.given.get("work_pool") or {}), "name": pool}
    return entry


def _job_variables(given: Sequence[str]) -> dict[str, Any]:
    """`key=value`, where the value is text, or a JSON object."""
    found: dict[str, Any] = {}
    for text in given:
        if text.lstrip().startswith("{"):
            found |= parse_object(text, "--job-variable")
            continue
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{text!r} is not of the form key=value, and no JSON object", param_hint="--job-variable")
        found[key] = value
    return found


def _triggers(text: str) -> list[Any]:
    if not text.endswith((".yaml", ".yml", ".json")):
        return [parse_object(text, "--trigger")]
    try:
        found: Any = yaml.safe_load(Path(text).read_text(encoding="utf-8"))  # JSON is YAML, too
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"--trigger {text}: {error}") from None
    listed = found.get("triggers") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise ConfigurationError(f"--trigger {text}: the file has no list `triggers`")
    return listed
