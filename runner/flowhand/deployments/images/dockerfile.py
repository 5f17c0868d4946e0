"""The Dockerfile of an image whose author wrote none: Python, this flowhand, the project's requirements, the project."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PROJECT: Final = "project"
"""The folder of the build context that holds the project's files."""
OURS: Final = "flowhand"
"""The folder of the build context that holds what comes with the Dockerfile."""
ROOT: Final = "/opt/flowhand"
PREFECT_ROOT: Final = "/opt/prefect"
"""Where the project files of Prefect's users say that their code is: the project is found there, too."""
_PIP: Final = "python -m pip install --no-cache-dir --disable-pip-version-check"
_OF_THE_FOLDER: Final = re.compile(
    r"^\s*(?:-[a-zA-Z]\b|--(?:editable|requirement|constraint|find-links)\b|[./~]|file:)|@\s*file:", re.MULTILINE
)
"""Lines of a requirements file that need other files of the project."""


@dataclass(frozen=True, slots=True)
class Base:
    """What an image starts from. `user` is who its programs run as (empty: root); `has_flowhand`: this very version is in it."""

    image: str
    user: str = ""
    has_flowhand: bool = False


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a project needs: a requirements file for pip, or (`of_project`) what pip finds by installing the project's folder.

    `early`: the file stands for itself, so it is installed before the project comes in, and again only when it has changed.
    """

    text: str = ""
    of_project: bool = False

    @property
    def early(self) -> bool:
        return not self.of_project and not _OF_THE_FOLDER.search(self.text)


def default_image() -> str:
    """The official image of the Python that runs here."""
    return f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"


def requirements_of(project: Path) -> Requirements | None:
    """From `requirements.txt`, else from `pyproject.toml`; None without either. ValueError for a pyproject.toml that is no TOML."""
    file, about = project / "requirements.txt", project / "pyproject.toml"
    if file.is_file():
        return Requirements(file.read_text(encoding="utf-8"))
    if not about.is_file():
        return None
    try:
        table: dict[str, Any] = tomllib.loads(about.read_text(encoding="utf-8")).get("project") or {}
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{about}: {error}") from None
    if "dependencies" in (table.get("dynamic") or ()):
        return Requirements(of_project=True)
    needed: list[str] = table.get("dependencies") or []
    return Requirements("".join(f"{line}\n" for line in needed)) if needed else None


def generated(folder: str, base: Base, wheel: str | None, requirements: Requirements | None, arguments: Iterable[str] = ()) -> str:
    """The Dockerfile's text. `folder` is the project's name, `wheel` the file name of flowhand's (None: it is in the base already),
    `arguments` the names of the build arguments, so that what is installed sees them.
    """
    target = f"{ROOT}/{folder}"
    lines = [f"FROM {base.image}", *(f"ARG {name}" for name in arguments)]
    if base.has_flowhand:
        lines.append("HEALTHCHECK NONE")  # that of a worker or a server, which a run is not
    if base.user:
        lines.append("USER root")
    if wheel is not None:
        # First with what it needs; then itself, also over one of the same version, which need not be the same
        place = shlex.quote(f"/tmp/{wheel}")  # noqa: S108  # a path in the image
        lines += [
            f"COPY {OURS}/{wheel} /tmp/",
            f"RUN {_PIP} {place} && {_PIP} --no-deps --force-reinstall {place} && rm {place}",
        ]
    if requirements is not None and requirements.early:
        lines += [f"COPY {OURS}/requirements.txt /tmp/", f"RUN {_PIP} -r /tmp/requirements.txt"]
    lines += [_json(["COPY", f"{PROJECT}/", f"{target}/"]), f"WORKDIR {_escaped(target)}"]
    lines.append(f"RUN mkdir -p {PREFECT_ROOT} && ln -s {shlex.quote(target)} {PREFECT_ROOT}/")
    if requirements is not None and not requirements.early:
        lines.append(f"RUN {_PIP} {'.' if requirements.of_project else '-r requirements.txt'}")
    if base.user:
        lines.append(f"USER {base.user}")
    return "\n".join(lines) + "\n"


def _json(words: list[str]) -> str:
    """The form of an instruction in which names may hold blanks."""
    listed = ", ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words[1:])
    return f"{words[0]} [{listed}]"


def _escaped(path: str) -> str:
    """A path as an instruction's argument: `$` would begin a variable."""
    return path.replace("\\", "\\\\").replace("$", "\\$")
