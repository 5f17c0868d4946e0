"""A real Prefect client with a key, or with a password, against a server that asks for them and for CSRF tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.cli import environment, flowhand
from support.prefect_client import PrefectClient
from support.server import RunningServer, running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

FLOW = """
from prefect import flow, task
from prefect.variables import Variable

@task
def double(x):
    return 2 * x

@flow(log_prints=True)
def guarded(n: int = 2):
    print("doubled", double(n))
    Variable.set("seen", n, overwrite=True)
    return n

if __name__ == "__main__":
    print("result", guarded(5))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    environ = {"FLOWHAND_SERVER_AUTH_STRING": "me:secret", "FLOWHAND_SERVER_CSRF_PROTECTION": "true"}
    with running_server(tmp_path_factory.mktemp("server"), environ=environ) as running:
        yield running


def key(server: RunningServer, name: str, *scopes: str) -> str:
    """A new key."""
    made = flowhand("server", "key", "create", name, *(w for s in scopes for w in ("-s", s)), "-o", "json", env=environment(server.home))
    assert made.code == 0, made.err
    return made.json["key"]


@pytest.fixture(scope="module")
def keyed(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectClient]:
    more = {"PREFECT_API_AUTH_STRING": f"team:{key(server, 'team', 'run', 'deploy')}"}
    client = PrefectClient(server.url, tmp_path_factory.mktemp("keyed"), more)
    yield client
    client.close()


def test_a_flow_with_tasks_runs_with_a_key(keyed: PrefectClient) -> None:
    """States over HTTP with CSRF tokens, task runs over the websocket with the key."""
    assert "result 5" in keyed.run(FLOW)
    assert "seen" in keyed.cli("variable", "ls")
    listed = keyed.cli("flow-run", "ls")
    assert "guarded" in listed
    assert "COMPLETED" in listed
    assert "double" in keyed.cli("task-run", "ls")


def test_a_worker_runs_deployments_with_a_key(keyed: PrefectClient) -> None:
    """Deployed, scheduled and executed by Prefect's own programs."""
    keyed.cli("work-pool", "create", "guarded-pool", "--type", "process")
    (keyed.folder / "flows.py").write_text(FLOW)
    deploy = """
from flows import guarded
guarded.from_source(".", "flows.py:guarded").deploy("d", work_pool_name="guarded-pool", build=False)
"""
    keyed.run(deploy)
    with keyed.running("prefect", "worker", "start", "--pool", "guarded-pool", "--type", "process"):
        printed = keyed.cli("deployment", "run", "guarded/d", "--param", "n=7", "--watch", "--watch-interval", "1")
    assert "Completed" in printed or "finished successfully" in printed


def test_a_password_serves_as_well(server: RunningServer, tmp_path: Path) -> None:
    """As Prefect has it; a wrong one runs nothing."""
    client = PrefectClient(server.url, tmp_path / "me", {"PREFECT_API_AUTH_STRING": "me:secret"})
    assert "result 5" in client.run(FLOW)
    client.close()
    mistaken = PrefectClient(server.url, tmp_path / "you", {"PREFECT_API_AUTH_STRING": "me:wrong"})
    printed = mistaken.run(FLOW, fails=True)
    mistaken.close()
    assert "401" in printed
    assert "doubled" not in printed.replace('print("doubled', "")


def test_a_key_that_may_only_look(server: RunningServer, tmp_path: Path) -> None:
    """Lists, and is told what it lacks when it would change something."""
    client = PrefectClient(server.url, tmp_path / "guest", {"PREFECT_API_KEY": key(server, "guest", "read")})
    assert "ID" in client.cli("flow-run", "ls")
    with pytest.raises(AssertionError, match="the scope read; this needs deploy"):
        client.cli("work-pool", "create", "mine", "--type", "process")
    client.close()
    assert httpx.get(f"{server.url}/work_pools/mine", auth=httpx.BasicAuth("me", "secret"), trust_env=False).status_code == 404
