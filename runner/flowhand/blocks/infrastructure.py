"""What older deployments say of where their runs are executed. Each stands for a work pool of its type."""

from __future__ import annotations

import shlex
from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from flowhand.blocks.block import Block
from flowhand.blocks.capabilities import RUN_INFRASTRUCTURE
from flowhand.blocks.credentials import DockerRegistry
from flowhand.blocks.documents import data_of, document_id_of
from flowhand.blocks.secret_types import SecretValues
from flowhand.wire.pool_types import KUBERNETES_POOL

_ABOUT_NONE = "Unset: the pool's own."
_DOCKER_POLICIES = {"IF_NOT_PRESENT": "IfNotPresent", "ALWAYS": "Always", "NEVER": "Never"}


class Infrastructure(Block, ABC):
    """Executes the runs of a deployment that has no work pool of its own."""

    _block_schema_capabilities = (RUN_INFRASTRUCTURE,)
    pool_type: ClassVar[str]
    """The type of the work pools that execute runs the same way."""
    own_pool: ClassVar[str | None] = None
    """The pool of deployments that name none, where it is another than that of all blocks."""

    env: dict[str, str | None] = Field(default_factory=dict, description="Set in the run's environment; null takes a variable away.")
    labels: dict[str, str] = Field(default_factory=dict, description="Put on what is started for a run.")
    name: str | None = Field(default=None, description="What is started is called so; the run's name unless given.")
    command: list[str] | None = Field(default=None, description="What is executed in place of the flow's own engine.")

    def job_variables(self) -> dict[str, Any]:
        """The block's fields as job variables of a pool of its type; what is not set is left out."""
        given = self.model_dump(mode="json", exclude={"type"}, exclude_none=True)
        if self.command:
            given["command"] = shlex.join(self.command)
        return {name: value for name, value in given.items() if value not in ({}, [])}

    def under(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The block's fields under the job variables given; `env` is merged key by key."""
        below = self.job_variables()
        env = {**(below.get("env") or {}), **(variables.get("env") or {})}
        return {**below, **variables} | ({"env": env} if env else {})


class Process(Infrastructure):
    """A process on the worker's machine."""

    pool_type = "process"

    type: Literal["process"] = "process"
    stream_output: bool = Field(default=True, description="Whether the worker shows what a run prints.")
    working_dir: str | None = Field(default=None, description="Where a run begins; a folder of its own unless given.")


class DockerContainer(Infrastructure):
    """A container on the worker's machine."""

    _block_type_name = "Docker Container"
    pool_type = "docker"

    type: Literal["docker-container"] = "docker-container"
    image: str | None = Field(default=None, description=f"The container's image. {_ABOUT_NONE}")
    image_pull_policy: Literal["IF_NOT_PRESENT", "ALWAYS", "NEVER"] | None = Field(default=None, description="When the image is pulled.")
    image_registry: DockerRegistry | None = Field(default=None, description="Who may see the image's registry.")
    networks: list[str] = Field(default_factory=list, description="Networks to join.")
    network_mode: str | None = Field(default=None, description="Docker's network mode, in place of networks.")
    auto_remove: bool = Field(default=False, description="Whether the container is removed when it has ended.")
    volumes: list[str] = Field(default_factory=list, description="Mounts, as host:container.")
    stream_output: bool = Field(default=True, description="Whether the worker shows what a run prints.")
    mem_limit: str | int | None = Field(default=None, description="How much memory the container may have.")
    memswap_limit: str | int | None = Field(default=None, description="How much memory and swap together.")
    privileged: bool = Field(default=False, description="Whether the container has all rights of the host.")

    def job_variables(self) -> dict[str, Any]:
        """See `Infrastructure.job_variables`."""
        given = super().job_variables()
        given.pop("image_registry", None)
        if self.image_registry:
            given["registry_credentials"] = data_of(self.image_registry)
        if self.image_pull_policy:
            given["image_pull_policy"] = _DOCKER_POLICIES[self.image_pull_policy]
        return given


class KubernetesClusterConfig(Block):
    """Which Kubernetes cluster, and as whom: one context of a kubeconfig."""

    _block_type_name = "Kubernetes Cluster Config"

    config: SecretValues = Field(description="The kubeconfig, as a mapping.", repr=False)
    context_name: str = Field(description="The context in it.")


class KubernetesJob(Infrastructure):
    """A job of a Kubernetes cluster."""

    _block_type_name = "Kubernetes Job"
    pool_type = "kubernetes"
    own_pool = KUBERNETES_POOL

    type: Literal["kubernetes-job"] = "kubernetes-job"
    cluster_config: KubernetesClusterConfig | None = Field(default=None, description="Which cluster; the worker's own unless given.")
    finished_job_ttl: int | None = Field(default=None, ge=0, description="Seconds for which an ended job is kept.")
    image: str | None = Field(default=None, description=f"The pod's image. {_ABOUT_NONE}")
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] | None = Field(default=None, description="When the image is pulled.")
    job_watch_timeout_seconds: int | None = Field(
        default=None, description="Seconds for which a job is watched; until it ends unless given."
    )
    namespace: str | None = Field(default=None, description=f"Where jobs are made. {_ABOUT_NONE}")
    pod_watch_timeout_seconds: int = Field(default=60, description="Seconds within which a pod must begin.")
    service_account_name: str | None = Field(default=None, description="The account that pods run as.")
    stream_output: bool = Field(default=True, description="Whether the worker shows what a run prints.")

    def job_variables(self) -> dict[str, Any]:
        """See `Infrastructure.job_variables`. A saved `cluster_config` is a reference; one that is not is left out: it is a secret."""
        given = super().job_variables()
        given.pop("cluster_config", None)
        known = document_id_of(self.cluster_config)
        return given if known is None else given | {"cluster_config": {"$ref": {"block_document_id": known}}}
