"""compose.yaml says what the programs understand."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from flowhand.cli import server, worker
from flowhand.settings import Settings, env_name

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "flowhand"}
APPS = {"server": server.app, "worker": worker.app}


@pytest.mark.parametrize("name", OURS)
def test_commands_and_settings_are_known(name: str) -> None:
    """A renamed option or setting would only be noticed when the container does not come up."""
    program, noun, *words = OURS[name]["command"]
    command: Any = typer.main.get_command(APPS[noun])
    assert program == "flowhand"
    parsed = command.make_context(noun, words, resilient_parsing=True)
    assert command.resolve_command(parsed, words)[1].make_context("start", words[1:])
    known = {env_name(spec.name) for spec in fields(Settings)}
    assert set(OURS[name]["environment"]) <= known


def test_nothing_is_open_and_nothing_is_privileged() -> None:
    """The server is published on the loopback alone, asks who it is, and no container may become more than it is."""
    assert COMPOSE["services"]["server"]["ports"] == ["127.0.0.1:${SERVER_PORT:-4200}:4200"]
    assert "--allow-unauthenticated" not in COMPOSE["services"]["server"]["command"]
    assert "ports" not in COMPOSE["services"]["database"]
    for service in OURS.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
    secrets = [str(service.get("environment")) for service in COMPOSE["services"].values()]
    assert all("PASSWORD:?" in one or "AUTH_STRING" in one for one in secrets)
