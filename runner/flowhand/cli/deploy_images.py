"""What `flowhand deploy` asks on a terminal about the image of a deployment whose pool starts containers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from flowhand.client import work_pools
from flowhand.client.api import SyncApiClient
from flowhand.deployments.images.reference import split_reference
from flowhand.deployments.projects.project_file import Entry, ProjectFile
from flowhand.errors import ObjectNotFound

_STEPS: Final = "flowhand.deployments.steps"
_BUILT: Final = "build_image"
"""The id of the step that builds; the others refer to what it puts out."""


class Asker(Protocol):
    """Whoever sits at the terminal."""

    def choose(self, question: str, choices: Sequence[str]) -> int:
        """The number of the choice taken, from 0."""
        ...

    def text(self, question: str, default: str | None = None) -> str:
        """A line; one is wanted where there is no default."""
        ...

    def agrees(self, question: str, default: bool = False) -> bool:
        """Yes or no."""
        ...


def ask_for_image(entry: Entry, file: ProjectFile, client: SyncApiClient, asker: Asker) -> None:
    """Has the image said: one that steps of the deployment's own build and push, or one that is there. Nothing where it is known, or
    the pool starts no containers.
    """
    pool: dict[str, Any] = entry.given.get("work_pool") or {}
    image = _variable(client, str(pool.get("name")))
    if image is None or (pool.get("job_variables") or {}).get("image") or _is_built(entry, file):
        return
    choices = ["one that is built of this folder", "one that is there already"]
    if image.get("default"):
        choices.append(f"the pool's own, {image['default']}")
    taken = asker.choose("Which image do its runs need?", choices)
    if taken == 0:
        _build(entry, file, asker)
    elif taken == 1:
        _use(entry, asker.text("Image, such as registry.example.com/team/project:1.4"))


def _variable(client: SyncApiClient, pool: str) -> dict[str, Any] | None:
    """What the pool says of its variable `image`; None without one, and for a pool that is not there, which is told later."""
    try:
        template: dict[str, Any] = client.send(work_pools.read(pool)).get("base_job_template") or {}
    except ObjectNotFound:
        return None
    return ((template.get("variables") or {}).get("properties") or {}).get("image")


def _is_built(entry: Entry, file: ProjectFile) -> bool:
    steps = file.steps(entry, "build") or []
    return any(name.rpartition(".")[2] == "build_docker_image" for step in steps for name in step)


def _build(entry: Entry, file: ProjectFile, asker: Asker) -> None:
    name, tag = split_reference(asker.text("Name of the image, with its registry", Path.cwd().name.lower()))
    tag = tag or asker.text("Tag", "latest")
    dockerfile = "auto"
    if Path("Dockerfile").is_file() and asker.choose("Which Dockerfile?", ("the one of this folder", "a generated one")) == 0:
        dockerfile = "Dockerfile"
    made = {"id": _BUILT, "image_name": name, "tag": tag, "dockerfile": dockerfile}
    given = entry.given
    given["build"] = [*(file.steps(entry, "build") or []), {f"{_STEPS}.build_docker_image": made}]
    if asker.agrees("Push it to its registry?", default="/" in name):
        built = {field: f"{{{{ {_BUILT}.{field} }}}}" for field in ("image_name", "tag")}
        given["push"] = [*(file.steps(entry, "push") or []), {f"{_STEPS}.push_docker_image": built}]
    _use(entry, f"{{{{ {_BUILT}.image }}}}")


def _use(entry: Entry, image: str) -> None:
    pool: dict[str, Any] = entry.given["work_pool"]
    entry.given["work_pool"] = {**pool, "job_variables": {**(pool.get("job_variables") or {}), "image": image}}
