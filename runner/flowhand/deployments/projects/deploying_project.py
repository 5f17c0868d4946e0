"""Deploying what a project file describes: everything is checked, then each deployment is built, pushed and applied."""

from __future__ import annotations

from collections.abc import Sequence

from flowhand.client.api import SyncApiClient
from flowhand.deployments.applying import apply_errand
from flowhand.deployments.deploy_report import print_next_steps, print_report, say
from flowhand.deployments.projects.assembling import assemble
from flowhand.deployments.projects.planning import Plan, Planner, finished
from flowhand.deployments.projects.project_file import Entry, ProjectFile
from flowhand.deployments.projects.steps import Workshop
from flowhand.errors import DeploymentApplyError, FlowhandError
from flowhand_storage.errors import StorageError


def deploy_project(api: SyncApiClient, file: ProjectFile, entries: Sequence[Entry], ui: str | None) -> list[str]:
    """Applies the deployments, in order, and answers their ids.

    ProjectError before anything was done when one of them can never be applied. What fails later does not stop the others; of a single one
    the error is raised, of several DeploymentApplyError after a table of which were applied.
    """
    workshop = Workshop(api)
    plans = Planner(file, api, workshop).plan(list(entries))
    ids: list[str] = []
    outcomes: dict[str, Exception | None] = {}
    for plan in plans:
        try:
            ids.append(_carry_out(api, workshop, plan))
            outcomes[plan.full_name] = None
        except (FlowhandError, StorageError) as error:
            outcomes[plan.full_name] = error
    failed = [error for error in outcomes.values() if error]
    if failed and len(plans) == 1:
        raise failed[0]
    print_report(outcomes)
    if failed:
        raise DeploymentApplyError(f"{len(failed)} of {len(plans)} deployments were not applied; the table above says which, and why")
    print_next_steps(list(outcomes), plans[0].pool, ui)
    return ids


def _carry_out(api: SyncApiClient, workshop: Workshop, plan: Plan) -> str:
    try:
        progress = workshop.carry_out(plan.build, plan.push)
        entry, pull, left = finished(plan, workshop, progress)
    except StorageError as error:
        raise DeploymentApplyError(f"{plan.entry.where()}{plan.full_name}: {error}; it was not applied") from None
    if left:
        say(f"{plan.entry.where()}{plan.full_name}: nothing has filled in {', '.join(sorted(left))}; what it stood in is left out")
    return api.run(apply_errand(assemble(entry, plan.flow, pull), None, None))
