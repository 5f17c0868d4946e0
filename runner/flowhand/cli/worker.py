"""`flowhand worker …`, and the console script `worker`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flowhand.cli.formats import Format, OutputOption
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.program import run
from flowhand.lean import without

app = noun(NOUNS["worker"].about)


@app.callback()
def group(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False) -> None:
    """The daemons that execute runs."""


@app.command("start")
def start(
    pool: Annotated[str, typer.Option("--pool", "-p", metavar="POOL", help="The work pool whose runs it takes.")],
    name: Annotated[str | None, typer.Option("--name", "-n", metavar="NAME", help="Its name; default: made from the host's.")] = None,
    queues: Annotated[
        list[str] | None, typer.Option("--work-queue", "-q", metavar="QUEUE", help="Only this queue; may be given again.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--type", "-t", metavar="TYPE", help="process or docker; default: the pool's.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-l", min=1, metavar="N", help="Runs at once; default: from cores and memory.")
    ] = None,
    prefetch: Annotated[
        float | None, typer.Option("--prefetch-seconds", min=0, metavar="SECONDS", help="Claim runs so long before they are due.")
    ] = None,
    run_once: Annotated[bool, typer.Option("--run-once", help="Take what is due, finish it, leave.")] = False,
    with_healthcheck: Annotated[bool, typer.Option("--with-healthcheck", help="Serve health and metrics over HTTP.")] = False,
    create_pool: Annotated[
        bool,
        typer.Option("--create-pool-if-not-found/--no-create-pool-if-not-found", help="Create a pool that there is not."),
    ] = True,
    template: Annotated[
        Path | None, typer.Option("--base-job-template", metavar="FILE", help="The job template of a pool created here.")
    ] = None,
    install_policy: Annotated[str | None, typer.Option(hidden=True, help="Ignored: every type ships with flowhand.")] = None,
) -> None:
    """Start a worker in the foreground. Ctrl-C or SIGTERM drains it, a second one ends it now."""
    # a command that lists workers does not load a daemon; a daemon does not carry a renderer of tracebacks (7 MB)
    with without("rich"):
        from flowhand.daemon.options import WorkerOptions
        from flowhand.daemon.program import run_worker

    options = WorkerOptions(
        work_pool=pool,
        name=name,
        work_queues=list(queues or ()),
        limit=limit,
        prefetch_s=prefetch,
        type=kind,
        run_once=run_once,
        with_healthcheck=with_healthcheck,
        create_pool=create_pool,
        base_job_template=template,
    )
    sys.exit(run_worker(options))


@app.command("ls")
def ls(
    pool: Annotated[str | None, typer.Option("--pool", "-p", metavar="POOL", help="Only the workers of this pool.")] = None,
    online: Annotated[bool, typer.Option("--online", help="Only workers that are online.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """List workers and when each was heard of last."""
    # `worker start` becomes a daemon that lives for months: it does not carry tables and a second client
    from flowhand.cli.worker_listing import list_workers

    list_workers(pool, online, output)


@app.command("drain")
def drain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A worker that is online, here or elsewhere.")],
    pool: Annotated[
        str | None, typer.Option("--pool", "-p", metavar="POOL", help="Its work pool, where several have one so named.")
    ] = None,
) -> None:
    """Have a worker claim no more, end what it runs within its drain time, and leave; as SIGTERM does, from afar."""
    from flowhand.cli.worker_draining import drain_worker  # likewise

    drain_worker(name, pool)


@app.command("sweep")
def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be ended.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """End processes that runs of dead workers left behind on this machine. Living workers and their runs are not touched."""
    from flowhand.cli.sweeping import sweep_home  # likewise

    sweep_home(dry_run, output)


def main() -> None:
    """The console script `worker`. Always ends in SystemExit."""
    run(app, "worker")
