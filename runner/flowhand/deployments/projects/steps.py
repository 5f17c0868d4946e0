"""Carrying out the build and push steps of a project, and filling templates with what they put out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from flowhand.client.api import SyncApiClient
from flowhand.client.references import value_of
from flowhand.deployments.deploy_report import say
from flowhand.deployments.projects.project_file import Steps
from flowhand_storage.checkouts import CheckoutStore, default_root
from flowhand_storage.scrub import Scrubber
from flowhand_storage.steps.definition import read_steps
from flowhand_storage.steps.known import UPLOADS, KnownStep
from flowhand_storage.steps.progress import Progress, Reference, StepContext, StepRun
from flowhand_storage.steps.run import run_steps
from flowhand_storage.steps.templates import filled, filled_for_later

_IMAGES: Final = "flowhand.deployments.images.steps"
AT_DEPLOY: Final[dict[str, KnownStep]] = {
    **UPLOADS,
    "build_docker_image": KnownStep("build_docker_image", _IMAGES, "child"),
    "push_docker_image": KnownStep("push_docker_image", _IMAGES, "child"),
}
"""Steps that whoever deploys has beyond those of a run."""


class Workshop:
    """Where steps are carried out: the working directory, with the blocks and variables of an API. What was done once is known."""

    def __init__(self, api: SyncApiClient) -> None:
        self._api = api
        self._done: dict[str, Progress] = {}

    def check(self, steps: Steps | None, *, pull: bool = False) -> None:
        """InvalidStep for steps that can never run, here or (`pull`) in a run."""
        read_steps(steps or [], {} if pull else AT_DEPLOY)

    def resolved(self, value: Any) -> Any:
        """With its environment variables, blocks and variables filled in; other templates stay. StorageError for what is not there."""
        return filled(value, _run(self._context("build"), Progress(str(Path.cwd()))))

    def carry_out(self, build: Steps | None, push: Steps | None) -> Progress:
        """Builds, then pushes; where that has led. The same steps are carried out once. StorageError with the step that failed."""
        key = json.dumps([build, push], default=str)
        if key not in self._done:
            progress = Progress(str(Path.cwd()))
            for kind, steps in (("build", build), ("push", push)):
                if steps:
                    say(f"Running {kind} steps")
                    run_steps(steps, self._context(kind), progress)
            progress.release()
            self._done[key] = progress
        return self._done[key]

    def filled(self, value: Any, progress: Progress) -> Any:
        """With the outputs of the steps filled in; what no step has put out stays. Of the environment see `filled_for_later`."""
        return filled_for_later(value, _run(self._context("build"), progress))

    def _context(self, kind: str) -> StepContext:
        return StepContext(
            folder=Path.cwd(),
            store=CheckoutStore(default_root()),
            environ=os.environ,
            resolve=self._resolve,
            log=lambda line: say(f"  {line}"),
            more=AT_DEPLOY,
            kind=kind,
        )

    def _resolve(self, reference: Reference) -> Any:
        return self._api.run(value_of(reference.kind, reference.name))


def _run(context: StepContext, progress: Progress) -> StepRun:
    return StepRun(context, progress, Scrubber())
