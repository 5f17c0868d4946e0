"""kubernetes/*.yaml say what the programs understand."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from flowhand.cli import server, worker
from flowhand.settings import Settings, env_name
from flowhand_server.auth import OPEN_PATHS

FILES = sorted((Path(__file__).parents[2] / "kubernetes").glob("*.yaml"))
OBJECTS: list[dict[str, Any]] = [one for path in FILES for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
PODS: dict[str, dict[str, Any]] = {
    one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in OBJECTS if one["kind"] in ("Deployment", "StatefulSet")
}
APPS = {"server": server.app, "worker": worker.app}
KNOWN = {env_name(spec.name) for spec in fields(Settings)}
PLACES = {"server": OPEN_PATHS, "worker": {"/livez", "/readyz"}}


@pytest.mark.parametrize("name", PODS)
def test_commands_settings_and_probes_are_known(name: str) -> None:
    """A renamed option, setting or path would only be noticed when the pod does not come up."""
    [container] = PODS[name]["containers"]
    program, noun, *words = container["args"]
    command: Any = typer.main.get_command(APPS[noun])
    assert program == "flowhand"
    assert command.resolve_command(command.make_context(noun, words, resilient_parsing=True), words)[1].make_context("start", words[1:])
    assert {one["name"] for one in container.get("env", ()) if one["name"].startswith("FLOWHAND")} <= KNOWN
    probes = [container[one]["httpGet"] for one in ("startupProbe", "livenessProbe", "readinessProbe") if one in container]
    assert {probe["path"] for probe in probes} <= PLACES[noun]
    assert {probe["port"] for probe in probes} == {port["name"] for port in container["ports"]}


@pytest.mark.parametrize("name", PODS)
def test_no_pod_is_privileged_and_no_secret_is_written_down(name: str) -> None:
    """Not root, nothing to gain, no token of the cluster; what is secret comes from a Secret."""
    pod = PODS[name]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [source["secretRef"]["name"] for source in container["envFrom"]] == [name]
    secret = {env_name(spec.name) for spec in fields(Settings) if spec.metadata["secret"]}
    assert not secret & {one["name"] for one in container.get("env", ())}


def test_a_worker_has_the_time_that_its_drain_takes() -> None:
    """Killed earlier it would leave its runs to the reaper."""
    defaults = Settings()
    assert PODS["flowhand-worker"]["terminationGracePeriodSeconds"] >= defaults.worker_drain + 2 * defaults.worker_grace


def test_services_find_their_pods() -> None:
    """Selectors are the pods' labels."""
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in OBJECTS if one["kind"] in ("Deployment", "StatefulSet")]
    selectors = [one["spec"]["selector"] for one in OBJECTS if one["kind"] == "Service"]
    assert len(selectors) == len(labels)
    assert all(selector in labels for selector in selectors)
