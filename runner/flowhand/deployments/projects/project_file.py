"""A project file as it stands: its steps, and its deployments with where each was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from flowhand.deployments.projects.fields import DEPLOYMENT, LIMIT, SCHEDULE, SECTIONS, WORK_POOL, check_fields, check_top, mapping_at
from flowhand.deployments.projects.located import Located, Place, read_yaml
from flowhand.errors import ProjectError

NAMES: Final = ("flowhand.yaml", "prefect.yaml")
"""The files looked for, in this order."""
Steps = list[dict[str, Any]]


@dataclass(slots=True)
class Entry:
    """One deployment as it was written. What was not given is not in `given`."""

    given: dict[str, Any]
    file: Located | None = None
    place: Place = ()

    @property
    def name(self) -> str | None:
        """The deployment's own name."""
        return self.given.get("name")

    def where(self, *place: str | int) -> str:
        """`file:line: ` before what is said of it; nothing for a deployment that stands in no file."""
        return f"{self.file.where(*self.place, *place)}: " if self.file else ""

    def error(self, words: str, *place: str | int) -> ProjectError:
        """That something about it is wrong, and where."""
        return ProjectError(f"{self.where(*place)}{words}")


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """All of a file. A section of steps that is not there is None, which is not the same as an empty one."""

    path: Path | None = None
    sections: dict[str, Steps | None] = field(default_factory=dict[str, Steps | None])
    entries: list[Entry] = field(default_factory=list[Entry])

    def steps(self, entry: Entry, section: str) -> Steps | None:
        """The deployment's own steps, else those of the file."""
        return entry.given[section] if section in entry.given else self.sections.get(section)


def find_file(explicit: Path | None) -> ProjectFile:
    """The file named, else the one of the working directory, else an empty one. ProjectError when a named one is not there."""
    if explicit is not None:
        return read_file(explicit)
    found = next((path for path in map(Path, NAMES) if path.is_file()), None)
    return read_file(found) if found is not None else ProjectFile()


def read_file(path: Path) -> ProjectFile:
    """Read and checked as far as that goes without its templates. ProjectError names the file and the line."""
    file = read_yaml(path)
    top = mapping_at(file, (), "the file")
    check_top(file, top)
    sections = {name: _steps(file, (name,), top[name]) for name in SECTIONS if name in top}
    listed = top.get("deployments") or []
    if not isinstance(listed, list):
        raise ProjectError(f"{file.where('deployments')}: deployments are a list; begin each with a dash")
    entries = [_entry(file, number) for number in range(len(listed))]
    _check_names(entries)
    return ProjectFile(path, sections, entries)


def _entry(file: Located, number: int) -> Entry:
    place: Place = ("deployments", number)
    given = mapping_at(file, place, "a deployment")
    check_fields(file, place, given, DEPLOYMENT, "a deployment")
    for section in SECTIONS:
        if section in given:
            given[section] = _steps(file, (*place, section), given[section])
    if "work_pool" in given:
        given["work_pool"] = mapping_at(file, (*place, "work_pool"), "work_pool")
        check_fields(file, (*place, "work_pool"), given["work_pool"], WORK_POOL, "work_pool")
    if isinstance(given.get("concurrency_limit"), Mapping):
        check_fields(file, (*place, "concurrency_limit"), given["concurrency_limit"], LIMIT, "concurrency_limit")
    _check_schedules(file, place, given)
    return Entry(given, file, place)


def _check_schedules(file: Located, place: Place, given: dict[str, Any]) -> None:
    """The older `schedule` becomes the one entry of `schedules`."""
    if given.get("schedule") and "schedules" in given:
        raise ProjectError(f"{file.where(*place, 'schedule')}: schedule and schedules were both given; write schedules")
    if single := given.pop("schedule", None):
        given["schedules"] = [single]
        places = [(*place, "schedule")]
    else:
        listed = given.get("schedules") or []
        if not isinstance(listed, list):
            raise ProjectError(f"{file.where(*place, 'schedules')}: schedules are a list; begin each with a dash")
        places = [(*place, "schedules", number) for number in range(len(listed))]
    for one in places:
        check_fields(file, one, mapping_at(file, one, "a schedule"), SCHEDULE, "a schedule")


def _steps(file: Located, place: Place, steps: Any) -> Steps | None:
    """A list of steps; one step may stand for itself."""
    if steps is None or steps == {}:
        return None if steps is None else []
    listed = [steps] if isinstance(steps, Mapping) else steps
    if not isinstance(listed, list):
        raise ProjectError(f"{file.where(*place)}: {place[-1]} is a list of steps; begin each with a dash")
    for number, step in enumerate(listed):
        if not isinstance(step, Mapping) or len(step) != 1:
            raise ProjectError(f"{file.where(*place, number)}: a step is a mapping of its name to its inputs; is an indent missing?")
    return [dict(step) for step in listed]


def _check_names(entries: list[Entry]) -> None:
    seen: dict[tuple[Any, Any], Entry] = {}
    for entry in entries:
        key = (entry.name, entry.given.get("entrypoint"))
        if entry.name and key in seen:
            raise entry.error(f"a deployment {entry.name!r} of the same flow stands at {seen[key].where()[:-2]} already", "name")
        seen[key] = entry
