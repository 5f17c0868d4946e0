"""The steps that come with flowhand, and the names under which they are known."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

_PREFIXES = (
    "",
    "flowhand.deployments.steps.",
    "prefect.deployments.steps.",
    "prefect.deployments.steps.pull.",
    "prefect.deployments.steps.utility.",
    "prefect.projects.steps.",
    "prefect.projects.steps.utility.",
    "prefect_aws.deployments.steps.",
    "prefect_gcp.deployments.steps.",
    "prefect_azure.deployments.steps.",
    "prefect_aws.projects.steps.",
    "prefect_gcp.projects.steps.",
    "prefect_azure.projects.steps.",
    "prefect_docker.deployments.steps.",
    "prefect_docker.projects.steps.",
)


@dataclass(frozen=True, slots=True)
class KnownStep:
    """A step of ours: the function that does it, and the process it belongs to.

    `prepare`: before the flow's process is there, as it runs no code of the user's. `child`: in the flow's process, where what it starts
    and prints is the run's.
    """

    name: str
    module: str
    """Of this folder, or a module's full name."""
    where: Literal["prepare", "child"]

    def function(self) -> Callable[..., Mapping[str, Any] | None]:
        """Takes the `StepRun` and the inputs by keyword. Imported on demand: a run pays for the steps that it has."""
        module = self.module if "." in self.module else f"flowhand_storage.steps.{self.module}"
        return getattr(import_module(module), self.name)

    def parameters(self) -> dict[str, inspect.Parameter]:
        """The inputs by name."""
        signature = inspect.signature(self.function())
        return {name: parameter for name, parameter in signature.parameters.items() if name != "run"}

    def hints(self) -> dict[str, Any]:
        """The types of the inputs by name."""
        return typing.get_type_hints(self.function())


NO_MORE: Mapping[str, KnownStep] = MappingProxyType({})
KNOWN = {
    step.name: step
    for step in (
        KnownStep("git_clone", "git_clone", "prepare"),
        KnownStep("set_working_directory", "working_directory", "prepare"),
        KnownStep("pull_from_remote_storage", "remote", "prepare"),
        KnownStep("pull_from_s3", "remote", "prepare"),
        KnownStep("pull_from_gcs", "remote", "prepare"),
        KnownStep("pull_from_azure_blob_storage", "remote", "prepare"),
        KnownStep("pull_with_block", "block", "prepare"),
        KnownStep("run_shell_script", "shell", "child"),
        KnownStep("pip_install_requirements", "requirements", "child"),
        KnownStep("uv_sync", "uv_sync", "child"),
    )
}


UPLOADS = {
    step.name: step
    for step in (
        KnownStep("push_to_s3", "upload", "prepare"),
        KnownStep("push_to_gcs", "upload", "prepare"),
        KnownStep("push_to_azure_blob_storage", "upload", "prepare"),
    )
}
"""Steps of whoever deploys: they put code where runs fetch it."""


def known_step(name: str, more: Mapping[str, KnownStep] = NO_MORE) -> KnownStep | None:
    """Our step of this name, also under the names by which Prefect's users know it; None for any other. `more` are further steps."""
    prefix, _, last = name.rpartition(".")
    if (prefix + "." if prefix else "") not in _PREFIXES:
        return None
    return KNOWN.get(last) or more.get(last)
