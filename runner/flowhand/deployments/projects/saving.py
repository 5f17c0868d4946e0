"""Writing a deployment into a project file, so that it can be deployed again by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from flowhand.deployments.projects.located import read_yaml
from flowhand.deployments.projects.project_file import NAMES, Entry

_ORDER: Final = (
    "name",
    "version",
    "tags",
    "description",
    "entrypoint",
    "parameters",
    "enforce_parameter_schema",
    "schedules",
    "concurrency_limit",
    "work_pool",
    "triggers",
    "build",
    "push",
    "pull",
)


def save(entry: Entry, path: Path | None) -> Path | None:
    """Adds the deployment to the file, which is made when there is none. What stands in it stays as it is.

    None when deployments are not the last thing in the file, so that nothing can be added at its end.
    """
    item = as_text(entry)
    if path is None:
        path = Path(NAMES[0])
        path.write_text(f"deployments:\n{item}", encoding="utf-8")
        return path
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", " ", "-"))]
    listed = (read_yaml(path).data or {}).get("deployments")
    if lines[-1:] != ["deployments:"] or not listed or not isinstance(listed, list):
        return None
    path.write_text(text.rstrip("\n") + "\n" + _indented(item, text), encoding="utf-8")
    return path


def as_text(entry: Entry) -> str:
    """The deployment as an item of the list, in YAML."""
    given: dict[str, Any] = {name: entry.given[name] for name in _ORDER if entry.given.get(name) not in (None, [], {})}
    if "work_pool" in given:
        given["work_pool"] = {name: value for name, value in given["work_pool"].items() if value not in (None, {})}
    body = yaml.safe_dump(given, sort_keys=False, allow_unicode=True)
    return "".join(f"{'  - ' if number == 0 else '    '}{line}\n" for number, line in enumerate(body.splitlines()))


def _indented(item: str, text: str) -> str:
    """With as much before the dash as the items have that are there."""
    begun = next((line for line in reversed(text.splitlines()) if line.lstrip().startswith("- ") and "name" in line), "  - ")
    width = len(begun) - len(begun.lstrip())
    return "".join(f"{' ' * width}{line[2:]}\n" for line in item.splitlines())
