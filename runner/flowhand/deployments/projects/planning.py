"""Checking all of a project's deployments before the first step is carried out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flowhand.client import work_pools
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.deployments.deploy_report import say
from flowhand.deployments.placeholders import load_flow_or_placeholder
from flowhand.deployments.projects.assembling import assemble
from flowhand.deployments.projects.leftovers import without_leftovers
from flowhand.deployments.projects.project_file import Entry, ProjectFile, Steps
from flowhand.deployments.projects.steps import Workshop
from flowhand.errors import FlowLoadError, ObjectNotFound, ProjectError
from flowhand.sdk.flow import Flow
from flowhand.wire.rrules import has_count
from flowhand_storage.errors import StorageError
from flowhand_storage.steps.progress import Progress

_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_SET_DIRECTORY: Final = "prefect.deployments.steps.set_working_directory"
"""Under the name that every worker knows."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One deployment: what it is once its steps are done, and the steps."""

    entry: Entry
    flow: Flow[..., Any]
    pool: Json
    build: Steps | None
    push: Steps | None
    pull: Steps

    @property
    def full_name(self) -> str:
        """`flow/deployment`."""
        return f"{self.flow.name}/{self.entry.name}"


class Planner:
    """Reads what all deployments of a file have in common once."""

    def __init__(self, file: ProjectFile, api: SyncApiClient, workshop: Workshop) -> None:
        self._file, self._api, self._workshop = file, api, workshop
        self._pools: dict[str, Json] = {}

    def plan(self, entries: list[Entry]) -> list[Plan]:
        """All of them; nothing was sent or built by then. ProjectError for the first that could not be applied."""
        plans = [self._plan(entry) for entry in entries]
        seen: dict[str, Plan] = {}
        for plan in plans:
            if plan.full_name in seen:
                raise plan.entry.error(f"{plan.full_name} stands at {seen[plan.full_name].entry.where()[:-2]} already", "name")
            seen[plan.full_name] = plan
        return plans

    def _plan(self, entry: Entry) -> Plan:
        steps = {section: self._steps(entry, section) for section in ("build", "push", "pull")}
        resolved = self._resolved(entry)
        flow = self._flow(resolved)
        pool = self._pool(resolved)
        _check_image(resolved, pool)
        _warn_of_counts(resolved)
        pull = steps["pull"] if steps["pull"] is not None else _default_pull(resolved, steps["build"])
        if resolved.given.get("sla"):
            say(f"{resolved.where('sla')}sla is not known to this server and has no effect")
        assemble(_without_templates(resolved), flow, pull)
        return Plan(resolved, flow, pool, steps["build"], steps["push"], pull)

    def _steps(self, entry: Entry, section: str) -> Steps | None:
        steps = self._file.steps(entry, section)
        try:
            self._workshop.check(steps, pull=section == "pull")
        except StorageError as error:
            raise ProjectError(f"{entry.where(section)}{section}: {error}") from None
        return steps

    def _resolved(self, entry: Entry) -> Entry:
        given: dict[str, Any] = {}
        for name, value in entry.given.items():
            try:
                given[name] = value if name in ("build", "push", "pull") else self._workshop.resolved(value)
            except (StorageError, ObjectNotFound) as error:
                raise entry.error(f"{name}: {error}", name) from None
        return Entry(given, entry.file, entry.place)

    def _flow(self, entry: Entry) -> Flow[..., Any]:
        entrypoint = entry.given.get("entrypoint")
        if not entrypoint:
            raise entry.error("an entrypoint is needed: flowhand deploy path/to/file.py:my_flow, or entrypoint: in the file")
        if not entry.name:
            raise entry.error("the deployment has no name; give it one with --name, or name: in the file")
        try:
            return load_flow_or_placeholder(str(entrypoint))
        except FlowLoadError as error:
            raise entry.error(str(error), "entrypoint") from error

    def _pool(self, entry: Entry) -> Json:
        name = (entry.given.get("work_pool") or {}).get("name")
        if not name:
            raise entry.error("a work pool is needed: give --pool, or work_pool: {name: …} in the file", "work_pool")
        if name not in self._pools:
            try:
                self._pools[name] = self._api.send(work_pools.read(str(name)))
            except ObjectNotFound:
                words = f"there is no work pool {name!r}; make it with `flowhand work-pool create {name} --type process`"
                raise entry.error(words, "work_pool", "name") from None
        return self._pools[name]


def _check_image(entry: Entry, pool: Json) -> None:
    """An image that no run would see is a mistake. A pool that says nothing of its variables takes any, unless it starts processes."""
    known = ((pool.get("base_job_template") or {}).get("variables") or {}).get("properties") or {}
    if (
        (known or pool["type"] == "process")
        and "image" not in known
        and ((entry.given.get("work_pool") or {}).get("job_variables") or {}).get("image")
    ):
        words = f"work pool {pool['name']!r} (type {pool['type']}) has no variable 'image'; deploy to a pool that starts containers"
        raise entry.error(words, "work_pool", "job_variables", "image")


def _warn_of_counts(entry: Entry) -> None:
    for number, one in enumerate(entry.given.get("schedules") or ()):
        if has_count(str((one or {}).get("rrule") or "")):
            where = entry.where("schedules", number)
            say(f"{where}rrule {one['rrule']!r} has a COUNT, which counts from its start, not from now; UNTIL says what is meant")


def _without_templates(entry: Entry) -> Entry:
    """What is known of it before its steps have been carried out."""
    given = {name: value for name, value in entry.given.items() if not _TEMPLATE.search(str(value)) or name in ("name", "work_pool")}
    return Entry(without_leftovers(given, set()), entry.file, entry.place)


def _default_pull(entry: Entry, build: Steps | None) -> Steps:
    """Where the code is when no pull steps say so: in the image that is built or named, else in this folder."""
    images = [inputs or {} for step in build or () for name, inputs in step.items() if _builds_image(name)]
    if images:
        return [{_SET_DIRECTORY: {"directory": f"/opt/prefect/{Path.cwd().name}"}}] if images[0].get("dockerfile") == "auto" else []
    variables: Mapping[str, Any] = (entry.given.get("work_pool") or {}).get("job_variables") or {}
    if variables.get("image"):
        return []
    say(f"Runs will find the code in {Path.cwd()}, where only workers of this machine can; pull steps bring it elsewhere")
    return [{_SET_DIRECTORY: {"directory": str(Path.cwd())}}]


def _builds_image(name: str) -> bool:
    return name.rpartition(".")[2] == "build_docker_image"


def finished(plan: Plan, workshop: Workshop, progress: Progress) -> tuple[Entry, Steps, set[str]]:
    """The deployment and its pull steps with what the steps put out; the names of templates that nothing has filled in.

    They are gone from the deployment. In pull steps they stay, as they may be filled in where these are carried out.
    """
    given = {name: value for name, value in plan.entry.given.items() if name not in ("build", "push", "pull")}
    triggers = given.pop("triggers", None)  # their templates are filled in when they fire
    left: set[str] = set()
    filled = without_leftovers(workshop.filled(given, progress), left)
    if triggers is not None:
        filled["triggers"] = workshop.filled(triggers, progress)
    return Entry(filled, plan.entry.file, plan.entry.place), workshop.filled(plan.pull, progress), left
