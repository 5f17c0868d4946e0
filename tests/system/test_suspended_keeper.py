"""A keeper that is suspended while the daemon asks it to start a run."""

from __future__ import annotations

import signal
from pathlib import Path

from flowhand.failpoints import HELD, VARIABLE
from support.server import running_server
from support.worker import Api, running_worker, wait_for, write_flows

FLOW = '''
from pathlib import Path

@flow
def mark(path: str):
    """Leaves a trace of each execution."""
    with open(path, "a") as file:
        file.write("ran ")
'''


def test_a_start_that_a_suspended_keeper_did_not_answer_is_never_made_up_for(tmp_path: Path) -> None:
    """The run is reported as not started, with the reason; the keeper that goes on does not start it after all, and serves the next one."""
    points, traces = tmp_path / "points", tmp_path / "traces"
    points.mkdir()
    code = write_flows(tmp_path / "code", FLOW)
    with running_server(tmp_path / "server") as server:
        api = Api(server)
        api.pool("pool")
        deployment = api.deploy("flows.py:mark", code)
        with running_worker(server, "--name", "w", home=tmp_path / "home", environ={VARIABLE: str(points)}) as worker:
            keeper = worker.keeper()
            (points / "preparing").touch()
            late = api.run(deployment, parameters={"path": str(traces)})
            held = points / ("preparing" + HELD)
            wait_for(held.exists, 20)
            keeper.send_signal(signal.SIGSTOP)
            held.unlink()
            ended = api.ended(late)
            keeper.send_signal(signal.SIGCONT)
            assert ended["state_name"] == "Crashed"
            said = ended["state"]["message"]
            assert f"the keeper, pid {keeper.pid}, has not answered START" in said
            assert f"let it go on with kill -CONT {keeper.pid}" in said
            next_one = api.run(deployment, parameters={"path": str(traces)})
            assert api.ended(next_one)["state_name"] == "Completed"
            assert traces.read_text() == "ran ", "the late one did not run"
            assert api.states(late) == ["Scheduled", "Pending", "Crashed"]
            assert worker.keeper().pid == keeper.pid
            wait_for(lambda: not list(tmp_path.glob("home/instances/*/runs/*")), 10)
