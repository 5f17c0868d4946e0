"""How a build and a push show on the terminal; elsewhere, lines at milestones only."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from flowhand.deployments.images.building import Say
from flowhand.deployments.images.pushing import Advance


@contextmanager
def build_progress(reference: str) -> Generator[Say, None, None]:
    """Told of each step: a line of its own in a log, the one line that turns on a terminal."""
    console = Console(file=sys.stdout)
    console.print(f"Building image {reference}", highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        yield lambda line: console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
        return
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("")
        yield lambda line: progress.update(task, description=escape(line))


@contextmanager
def push_progress(reference: str) -> Generator[Advance, None, None]:
    """Told of bytes: a bar on a terminal, nothing elsewhere."""
    console = Console(file=sys.stdout)
    console.print(f"Pushing image {reference}", highlight=False, markup=False, soft_wrap=True)
    columns = (SpinnerColumn(), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)
