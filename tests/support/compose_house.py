"""The services of compose.yaml on a real engine, under a project's name of their own, with stand-ins for the public images alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from support.cli import environment
from support.compose_images import POSTGRES, PYTHON, ROOT, provide_images
from support.compose_plugin import docker_config
from support.docker_engine import Engine, docker_engine
from support.storage_servers import free_port

COMMAND_S: Final = 400
STAND_INS: Final = f"""
services:
  database: {{image: "{POSTGRES}"}}
  server: &ours
    image: flowhand-tests/flowhand
    build: {{args: {{PYTHON: {PYTHON}}}}}
    environment: {{FLOWHAND_SERVER_LEASE: 6}}
  worker: *ours
"""
"""The lease is short so that a worker that is gone is noticed within the test."""


class House:
    """The services, and who operates them."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.name = f"flowhand-tests-{os.getpid()}"
        self.folder = folder
        self.port = free_port()
        self._environ = {
            **environment(folder),
            "DOCKER_HOST": engine.host,
            "DOCKER_CONFIG": str(docker_config()),
            "POSTGRES_PASSWORD": "s3cret",
            "FLOWHAND_SERVER_AUTH_STRING": "admin:s3cret",
            "SERVER_PORT": str(self.port),
        }
        (folder / "stand-ins.yaml").write_text(STAND_INS)

    @property
    def url(self) -> str:
        """The API as this machine sees it."""
        return f"http://127.0.0.1:{self.port}/api"

    def compose(self, *words: str) -> str:
        """A `docker compose` command; what it prints."""
        return self.docker("compose", "-p", self.name, "-f", f"{ROOT}/compose.yaml", "-f", f"{self.folder}/stand-ins.yaml", *words)

    def docker(self, *words: str) -> str:
        """A `docker` command; what it prints. AssertionError with all that it said when it fails."""
        done = subprocess.run(["docker", *words], env=self._environ, capture_output=True, text=True, timeout=COMMAND_S, check=False)
        assert done.returncode == 0, f"docker {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def healthy(self, service: str) -> int:
        """How many containers of the service say that they are."""
        said = [json.loads(line) for line in self.compose("ps", "--format", "json", service).splitlines()]
        return sum(about["Health"] == "healthy" for about in said)

    def gateway(self) -> str:
        """This machine's address in the services' network."""
        return self.docker("network", "inspect", f"{self.name}_default", "--format", "{{(index .IPAM.Config 0).Gateway}}")

    def left(self) -> list[str]:
        """The ids of all that the engine holds of the project."""
        label = f"label=com.docker.compose.project={self.name}"
        kinds = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
        return [one for kind in kinds for one in self.docker(*kind, "--quiet", "--filter", label).split()]


@contextmanager
def compose_house(folder: Path) -> Generator[House]:
    """Nothing of it is up before; afterwards nothing is left. What services logged goes to standard error when the block fails."""
    with docker_engine() as engine:
        provide_images(engine)
        house = House(engine, folder)
        try:
            yield house
        except BaseException:
            sys.stderr.write(house.compose("logs", "--no-color", "--tail", "40"))
            raise
        finally:
            house.compose("down", "--volumes", "--timeout", "5")
