"""From a docker pool's job configuration to a run's container. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from flowhand.errors import LaunchError
from flowhand.execution.containers.handover import reachable
from flowhand.wire.job import Container
from flowhand.wire.runner import ClaimedRun

KIND: Final = "infrastructure"
"""A key of the job configuration: what an older deployment's block is for."""
IN_CONTAINER: Final = "docker"
START: Final = ["flowhand", "flow-run", "execute"]
_NOT_OF_A_NAME: Final = re.compile(r"[^a-zA-Z0-9_.-]+")
_OF_THIS_HOST: Final = ("FLOWHAND_HOME",)


def container_of(claimed: ClaimedRun, config: Mapping[str, Any], env: Mapping[str, str | None], command: list[str] | None) -> Container:
    """The container of one attempt; `env` and `command` as a process would have them. LaunchError for variables that cannot be followed."""
    image = config.get("image")
    if not image:
        raise LaunchError("the run has no image: give the deployment's or the pool's job variable image")
    network_mode = _text(config, "network_mode")
    kept = {name: value for name, value in env.items() if value is not None and name not in _OF_THIS_HOST}
    if network_mode != "host" and "FLOWHAND_API_URL" in kept:
        kept["FLOWHAND_API_URL"] = reachable(kept["FLOWHAND_API_URL"])
    return Container(
        image=str(image),
        command=command or START,
        name=_name(claimed, config),
        env=kept,
        labels={str(name): str(value) for name, value in _mapping(config, "labels").items()},
        image_pull_policy=_text(config, "image_pull_policy"),
        registry_credentials=_mapping(config, "registry_credentials") or None,
        networks=_list(config, "networks"),
        network_mode=network_mode,
        volumes=_list(config, "volumes"),
        mem_limit=_text(config, "mem_limit"),
        memswap_limit=_text(config, "memswap_limit"),
        privileged=bool(config.get("privileged")),
        auto_remove=bool(config.get("auto_remove")),
    )


def for_hooks(container: Container) -> Container:
    """The container in which hooks are called of a run whose own has gone: beside it, if that was kept, of the same image, which is here,
    and removed in any case."""
    policy = container["image_pull_policy"]
    return {
        **container,
        "name": f"{container['name']}-hooks",
        "image_pull_policy": "IfNotPresent" if policy == "Always" else policy,  # what is newer by now is not what ran
        "auto_remove": True,
    }


def _name(claimed: ClaimedRun, config: Mapping[str, Any]) -> str:
    """Not two containers have one name, so it says which attempt it is."""
    name = _NOT_OF_A_NAME.sub("-", str(config.get("name") or claimed.name)).strip("-_.") or "run"
    return f"{name[:100]}-{claimed.run_id[:8]}-{claimed.attempt}"


def _text(config: Mapping[str, Any], name: str) -> str | None:
    value = config.get(name)
    return None if value in (None, "") else str(value)


def _mapping(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = config.get(name) or {}
    if not isinstance(value, Mapping):
        raise LaunchError(f"the job variable {name} is {type(value).__name__}, not a mapping")
    return {str(key): item for key, item in value.items()}


def _list(config: Mapping[str, Any], name: str) -> list[str]:
    value = config.get(name) or []
    if not isinstance(value, list):
        raise LaunchError(f"the job variable {name} is {type(value).__name__}, not a list")
    return [str(item) for item in value]
