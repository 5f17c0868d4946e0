"""Containers that nobody stands for any more: daemon, keeper and program are gone, and what runs in it does not know.

Our own program in a container ends with its channel; a command of the user's own may go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flowhand.deployments.images.engine import engine
from flowhand.errors import EngineUnavailable
from flowhand.execution.containers.box import INSTANCE_LABEL, KEY_LABEL
from flowhand.execution.containers.handover import Folder
from flowhand.execution.containers.removing import PATIENCE_S, labelled, remove
from flowhand.execution.sweep import attendance, instance_mark


def sweep_containers(home: Path, *, dry_run: bool = False) -> list[str]:
    """Removes the containers of all dead instances of a home; the keys of their attempts. With `dry_run` they are only looked for.

    Blocks. EngineUnavailable when there may be some and no engine answers, or one could not be removed; where no container was ever made,
    none is asked. A container that has ended as it should and was to be kept is kept.
    """
    return [key for directory in _dead(home) for key in _of_instance(directory, dry_run)]


def _dead(home: Path) -> Iterator[Path]:
    for directory in sorted((home / "instances").glob("*/")):
        if any(directory.glob("containers/*")) and attendance(directory) == "dead":
            yield directory


def _of_instance(directory: Path, dry_run: bool) -> list[str]:
    keys: list[str] = []
    refused: list[str] = []
    with engine(PATIENCE_S) as client:
        for container in labelled(client, f"{INSTANCE_LABEL}={instance_mark(directory)}"):
            if _kept(container, directory):
                continue
            keys.append(container.labels[KEY_LABEL])
            why = None if dry_run else remove(container)
            refused += [why] if why is not None else []
    if refused:
        raise EngineUnavailable("; ".join(refused))
    return keys


def _kept(container: Any, directory: Path) -> bool:
    """Whether somebody saw its end and left it there, as the deployment wishes: of its folder, nothing or the mark of that is left."""
    path = directory / "containers" / container.labels[KEY_LABEL]
    return container.status == "exited" and (not path.exists() or Folder(path).finished)
