"""The steps of deployments as functions, under the path that users of Prefect know.

In a deployment a step is data: `{"git_clone": {"repository": "https://example.org/code.git"}}`. Here each is a function of the same name
that takes the inputs by keyword, does it in this process and answers what the step puts out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from flowhand.deployments.projects.steps import AT_DEPLOY
from flowhand.deployments.steps_here import carry_out
from flowhand.sdk.dual import dual
from flowhand_storage.steps.known import KNOWN

Outputs = dict[str, Any]

if TYPE_CHECKING:
    Step = Callable[..., Outputs]
    build_docker_image: Step
    git_clone: Step
    pip_install_requirements: Step
    pull_from_azure_blob_storage: Step
    pull_from_gcs: Step
    pull_from_remote_storage: Step
    pull_from_s3: Step
    pull_with_block: Step
    push_docker_image: Step
    push_to_azure_blob_storage: Step
    push_to_gcs: Step
    push_to_s3: Step
    run_shell_script: Step
    set_working_directory: Step
    uv_sync: Step

__all__ = [
    "build_docker_image",
    "git_clone",
    "pip_install_requirements",
    "pull_from_azure_blob_storage",
    "pull_from_gcs",
    "pull_from_remote_storage",
    "pull_from_s3",
    "pull_with_block",
    "push_docker_image",
    "push_to_azure_blob_storage",
    "push_to_gcs",
    "push_to_s3",
    "run_shell_script",
    "run_steps",
    "set_working_directory",
    "uv_sync",
]


@dual
async def run_steps(steps: list[dict[str, Any]]) -> Outputs:
    """Carries out steps in order, in this process; what they put out, taken together. Plain in plain code, awaited in async code.

    Errors of flowhand_storage.errors.
    """
    progress = await asyncio.to_thread(carry_out, steps, lambda _line: None, AT_DEPLOY)
    return progress.outputs


def _run(name: str, **inputs: Any) -> Outputs:
    return run_steps([{name: inputs}])


def __getattr__(name: str) -> Any:
    if name not in KNOWN | AT_DEPLOY:
        known = ", ".join([*sorted(KNOWN), *sorted(AT_DEPLOY)])
        raise AttributeError(f"module 'flowhand.deployments.steps' has no attribute {name!r}; its steps are {known}")
    return partial(_run, name)
