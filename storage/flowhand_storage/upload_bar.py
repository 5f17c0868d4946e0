"""How it goes while files are put somewhere: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from flowhand_storage.transfer import Progress


@contextmanager
def upload_bar() -> Generator[Progress | None]:
    """What transfers are to be told of each file; None where nobody looks on."""
    if not sys.stdout.isatty():
        yield None
        return
    # here: only whoever sits at a terminal pays for it (60 ms)
    from rich import progress as rich
    from rich.markup import escape

    columns = (rich.TextColumn("Uploading"), rich.BarColumn(), rich.MofNCompleteColumn(), rich.TextColumn("{task.description}"))
    with rich.Progress(*columns, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, name: bar.update(task, completed=done, total=total, description=escape(name))
