"""A real Prefect worker takes the run of a flow of ours, and `flowhand flow-run execute`, which it starts, executes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.prefect_client import PrefectClient, prefect_home
from support.server import running_server
from support.worker import Api, write_flows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment


def test_a_handed_over_run_completes(tmp_path: Path) -> None:
    """The worker has made it Pending already; what its process says arrives, and the run ends once."""
    with running_server(tmp_path / "server") as server:
        api, client = Api(server), PrefectClient(server.url, tmp_path / "client")
        api.pool("procs", base_job_template=_template(api))
        code = write_flows(tmp_path / "code", "@flow(log_prints=True)\ndef ours(x: int = 1):\n    print('x is', x)\n")
        command = f"{sys.executable} -m flowhand flow-run execute"
        deployment = api.deploy("flows.py:ours", code, "procs", job_variables={"command": command})
        run = api.run(deployment, parameters={"x": 41})
        worker = [str(prefect_home() / "bin" / "prefect"), "worker", "start", "--pool", "procs", "--type", "process", "--run-once"]
        env = {**client.environ, "FLOWHAND_HOME": str(tmp_path / "home")}
        done = subprocess.run(worker, cwd=client.folder, env=env, capture_output=True, text=True, timeout=120, check=False)
        client.close()
        assert api.ended(run, 5)["state_name"] == "Completed", done.stdout + done.stderr
        assert any("x is 41" in line for line in api.logs(run))
        assert api.states(run).count("Completed") == 1


def _template(api: Api) -> object:
    kinds = api.call("GET", "/collections/views/aggregate-worker-metadata")
    return kinds["prefect"]["process"]["default_base_job_configuration"]
