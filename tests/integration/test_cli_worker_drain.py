"""`flowhand worker drain`: a worker leaves as it would on SIGTERM, asked from elsewhere."""

from __future__ import annotations

from pathlib import Path

from support.cli import environment, flowhand
from support.server import running_server
from support.worker import Api, running_worker, wait_for, write_flows

FLOW = '''
import time
from pathlib import Path

@flow
def waits(folder: str):
    """Runs until it may end."""
    while not (Path(folder) / "go").exists():
        time.sleep(0.02)
'''


def test_a_worker_drains_when_it_is_asked(tmp_path: Path) -> None:
    """It claims no more, lets its run end, and leaves with 0; a name that is not online is an error that names the ones that are."""
    with running_server(tmp_path / "server") as server:
        api = Api(server)
        api.pool("pool")
        deployment = api.deploy("flows.py:waits", write_flows(tmp_path / "code", FLOW))
        with running_worker(server, "--name", "w1", home=tmp_path / "home") as worker:
            run = api.run(deployment, parameters={"folder": str(tmp_path)})
            api.reaches(run, "Running")
            env = environment(tmp_path / "cli", server.url)
            unknown = flowhand("worker", "drain", "w2", env=env)
            assert (unknown.code, "'w1'" in unknown.err) == (4, True), unknown
            asked = flowhand("worker", "drain", "w1", env=env)
            assert (asked.code, "'w1' of work pool 'pool' drains" in asked.out) == (0, True), asked
            wait_for(lambda: "Waiting for runs to end" in worker.log, 20, lambda: worker.log)
            later = api.run(deployment, parameters={"folder": str(tmp_path)})
            (tmp_path / "go").touch()
            assert worker.process.wait(20) == 0
            assert api.read(run)["state_name"] == "Completed"
            assert api.read(later)["state_type"] == "SCHEDULED"
