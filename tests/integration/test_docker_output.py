"""What a container prints, at a real engine (execution/containers/output.py): every byte once, whichever way its logs are kept."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.types import LogConfig

from flowhand.execution.containers.box import Box
from flowhand.execution.containers.output import Output
from support.docker_engine import Engine
from support.jobs import make_container
from support.tcp_proxy import TcpProxy
from support.worker import wait_for

pytestmark = pytest.mark.timeout(300)  # the first to come waits for the engine
KEPT, UNKEPT = "json-file", "none"
ABOUT = make_container()
LOST = "What the container printed while the engine was away is lost: its log driver keeps nothing\n"


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    client = engine.client()
    yield client
    client.close()


@pytest.fixture
def cut(engine: Engine) -> Generator[TcpProxy]:
    """A way to the engine that can be cut, while it goes on."""
    with TcpProxy(Path(engine.host.removeprefix("unix://"))) as proxy:
        yield proxy


@contextmanager
def made(client: docker.DockerClient, image: str, logs: str, script: str) -> Generator[Any]:
    """A container that is not started, with logs of that kind."""
    kind = LogConfig(type=logs)
    container = client.containers.create(image, ["sh", "-c", script], log_config=kind, network_mode="none", init=True)
    yield container
    container.remove(force=True)


@pytest.mark.parametrize("logs", [KEPT, UNKEPT])
def test_what_is_printed_at_once_is_not_lost(
    client: docker.DockerClient, engine: Engine, capfd: pytest.CaptureFixture[str], logs: str
) -> None:
    """By containers that print and end, more often than luck explains."""
    for _ in range(4):
        with made(client, engine.base, logs, "echo only; echo wrong >&2") as container:
            assert Box(client, container, ABOUT).run().code == 0
        assert tuple(capfd.readouterr()) == ("only\n", "wrong\n")


@pytest.mark.parametrize(("logs", "meanwhile", "told"), [(KEPT, "meanwhile\n", ""), (UNKEPT, "", LOST)])
def test_what_is_printed_while_the_engine_is_away(
    client: docker.DockerClient,
    engine: Engine,
    cut: TcpProxy,
    capfd: pytest.CaptureFixture[str],
    logs: str,
    meanwhile: str,
    told: str,
) -> None:
    """Comes afterwards, once, where there are logs; else it is told that it is lost, and what follows comes."""
    script = "trap 'echo meanwhile; : > /told' USR1; trap 'echo after; exit 3' USR2; echo before; while :; do sleep 0.05; done"
    said = ["", ""]

    def came(number: int, text: str) -> Callable[[], bool]:
        def look() -> bool:
            for at, piece in enumerate(capfd.readouterr()):
                said[at] += piece
            return text in said[number]

        return look

    away = docker.DockerClient(base_url=f"tcp://127.0.0.1:{cut.port}")
    with made(client, engine.base, logs, script) as container:
        output = Output(away, container.id)
        output.follow()
        container.start()
        wait_for(came(0, "before\n"), 30)
        cut.set("refused")
        assert output.settle()
        container.kill("SIGUSR1")
        wait_for(lambda: container.exec_run(["sh", "-c", "test -e /told"]).exit_code == 0, 30)
        cut.set("pass")
        output.resume()
        wait_for(came(0, meanwhile) if meanwhile else came(1, told), 30)
        container.kill("SIGUSR2")
        assert container.wait()["StatusCode"] == 3
        assert output.settle()
        came(0, "")()
    away.close()
    assert said == [f"before\n{meanwhile}after\n", told]
