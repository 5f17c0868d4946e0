"""The job templates that new work pools begin with, by worker type (contract 6.2). Data, and the little that makes it."""

from __future__ import annotations

from typing import Any, Final

_Property = dict[str, Any]


def _text(title: str, about: str, **more: Any) -> _Property:
    return {"title": title, "description": about, "anyOf": [{"type": "string"}, {"type": "null"}], "default": None, **more}


def _flag(title: str, about: str, default: bool) -> _Property:
    return {"title": title, "description": about, "type": "boolean", "default": default}


def _texts(title: str, about: str) -> _Property:
    return {"title": title, "description": about, "type": "object", "additionalProperties": {"type": "string"}}


def _list(title: str, about: str) -> _Property:
    return {"title": title, "description": about, "type": "array", "items": {"type": "string"}, "default": []}


def _block(title: str, about: str) -> _Property:
    return {"title": title, "description": about, "default": None}


_COMMON: Final[dict[str, _Property]] = {
    "name": _text("Name", "What the infrastructure of a run is called; unset, the run's own name."),
    "env": {
        "title": "Environment Variables",
        "description": "Set in the run's process; null takes a variable away.",
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "labels": _texts("Labels", "Put on the infrastructure of a run."),
    "command": _text("Command", "What is executed in place of the flow's own engine."),
    "stream_output": _flag("Stream Output", "Whether the worker shows what a run prints.", True),
    "crash_policy": {
        "title": "Crash Policy",
        "description": "What becomes of a run whose worker is lost: it has crashed, or it is tried again.",
        "type": "string",
        "enum": ["crash", "retry"],
        "default": "crash",
    },
}
_PROCESS: Final[dict[str, _Property]] = {
    "working_dir": _text("Working Directory", "Where a run begins; unset, a folder of its own."),
}
_DOCKER: Final[dict[str, _Property]] = {
    "image": _text("Image", "The image that a run's container is made of."),
    "image_pull_policy": {
        "title": "Image Pull Policy",
        "description": "When the image is pulled; unset, unless it is there.",
        "anyOf": [{"type": "string", "enum": ["IfNotPresent", "Always", "Never"]}, {"type": "null"}],
        "default": None,
    },
    "registry_credentials": _block("Registry Credentials", "A block that logs in to the image's registry."),
    "networks": _list("Networks", "Networks to join."),
    "network_mode": _text("Network Mode", "Docker's network mode, in place of networks."),
    "auto_remove": _flag("Auto Remove", "Whether the container is removed when it has ended.", False),
    "volumes": {
        "title": "Volumes",
        "description": "Mounts, as host:container.",
        "type": "array",
        "items": {"type": "string"},
        "default": [],
    },
    "mem_limit": _text("Memory Limit", "How much memory the container may have, such as 512m."),
    "memswap_limit": _text("Swap Limit", "How much memory and swap together."),
    "privileged": _flag("Privileged", "Whether the container has all rights of the host.", False),
}
_KUBERNETES: Final[dict[str, _Property]] = {
    "namespace": _text("Namespace", "Where jobs are made.", default="default"),
    "image": _text("Image", "The image that a run's pod is made of."),
    "image_pull_policy": {
        "title": "Image Pull Policy",
        "description": "When the image is pulled.",
        "type": "string",
        "enum": ["IfNotPresent", "Always", "Never"],
        "default": "IfNotPresent",
    },
    "service_account_name": _text("Service Account Name", "The account that pods run as."),
    "finished_job_ttl": {
        "title": "Finished Job TTL",
        "description": "Seconds for which an ended job is kept.",
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}],
        "default": None,
    },
    "backoff_limit": {"title": "Backoff Limit", "description": "How often Kubernetes itself tries again.", "type": "integer", "default": 0},
    "job_watch_timeout_seconds": {
        "title": "Job Watch Timeout",
        "description": "Seconds for which a job is watched; unset, until it ends.",
        "anyOf": [{"type": "integer"}, {"type": "null"}],
        "default": None,
    },
    "pod_watch_timeout_seconds": {
        "title": "Pod Watch Timeout",
        "description": "Seconds within which a pod must begin.",
        "type": "integer",
        "default": 60,
    },
    "cluster_config": _block("Cluster Config", "A block that says which cluster; unset, the worker's own."),
}
_MANIFEST: Final[dict[str, Any]] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"labels": "{{ labels }}", "namespace": "{{ namespace }}", "generateName": "{{ name }}-"},
    "spec": {
        "backoffLimit": "{{ backoff_limit }}",
        "ttlSecondsAfterFinished": "{{ finished_job_ttl }}",
        "template": {
            "spec": {
                "parallelism": 1,
                "completions": 1,
                "restartPolicy": "Never",
                "serviceAccountName": "{{ service_account_name }}",
                "containers": [
                    {
                        "name": "flow-run",
                        "env": "{{ env }}",
                        "image": "{{ image }}",
                        "imagePullPolicy": "{{ image_pull_policy }}",
                        "args": "{{ command }}",
                    }
                ],
            }
        },
    },
}
_IN_MANIFEST: Final = frozenset({"image", "image_pull_policy", "service_account_name", "finished_job_ttl", "backoff_limit"})


def _template(own: dict[str, _Property], manifest: dict[str, Any] | None = None) -> dict[str, Any]:
    """Every variable is a key of the job configuration under its own name, unless the manifest takes it up."""
    variables = {**_COMMON, **own}
    job: dict[str, Any] = {name: f"{{{{ {name} }}}}" for name in variables if manifest is None or name not in _IN_MANIFEST}
    if manifest is not None:
        job["job_manifest"] = manifest
    return {"job_configuration": job, "variables": {"type": "object", "properties": variables}}


def _entry(kind: str, title: str, about: str, template: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "display_name": title, "description": about, "is_beta": False, "default_base_job_configuration": template}


WORKER_METADATA: Final[dict[str, dict[str, Any]]] = {
    "prefect": {"process": _entry("process", "Process", "Runs flows as processes of the worker's host.", _template(_PROCESS))},
    "prefect-docker": {"docker": _entry("docker", "Docker", "Runs flows in containers.", _template(_DOCKER))},
    "prefect-kubernetes": {
        "kubernetes": _entry("kubernetes", "Kubernetes", "Runs flows as Kubernetes jobs.", _template(_KUBERNETES, _MANIFEST))
    },
}
"""By package and type, as `collections/views/aggregate-worker-metadata` shows it. Packages are those that clients look for."""
