"""Containers that nobody stands for any more: daemon, keeper and program are gone, and what runs in it does not know.

Our own program in a container ends with its channel; a command of the user's own may go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flowhand.deployments.images.engine import engine
from flowhand.execution.containers.box import INSTANCE_LABEL, KEY_LABEL
from flowhand.execution.sweep import attendance, instance_mark


def sweep_containers(home: Path, *, dry_run: bool = False) -> list[str]:
    """Removes the containers of all dead instances of a home; the keys of their attempts. With `dry_run` they are only looked for.

    Blocks. EngineUnavailable when there may be some and no engine answers; where no container was ever made, none is asked.
    """
    return [key for directory in _dead(home) for key in _of_instance(directory, dry_run)]


def _dead(home: Path) -> Iterator[Path]:
    for directory in sorted((home / "instances").glob("*/")):
        if any(directory.glob("containers/*")) and attendance(directory) == "dead":
            yield directory


def _of_instance(directory: Path, dry_run: bool) -> list[str]:
    keys: list[str] = []
    with engine() as client:
        for container in client.containers.list(filters={"label": f"{INSTANCE_LABEL}={instance_mark(directory)}"}):
            keys.append(container.labels[KEY_LABEL])
            if not dry_run:
                container.remove(force=True)
    return keys
