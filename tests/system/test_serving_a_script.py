"""serve() as scripts call it: one flow alone, several, from async code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.server import RunningServer
from support.worker import Api, wait_for

FLOWS = """
import asyncio
from pathlib import Path
from flowhand import flow, serve

@flow(log_prints=True)
def greet(name: str = "you"):
    print("hello", name)

class Jobs:
    @flow(log_prints=True)
    @staticmethod
    def tidy():
        print("tidied")
"""
SCRIPTS = {
    "one": (FLOWS + 'if __name__ == "__main__":\n    greet.serve(name="d", parameters={"name": "one"}, limit=2)\n', "greet"),
    "named-by-file": (FLOWS + 'if __name__ == "__main__":\n    serve(Jobs.tidy.to_deployment(__file__))\n', "tidy"),
    "async": (
        FLOWS
        + "async def main():\n    deployments = [await flow.to_deployment('d') for flow in (greet, Jobs.tidy)]\n"
        + '    await serve(*deployments)\nif __name__ == "__main__":\n    asyncio.run(main())\n',
        "greet",
    ),
    "unguarded": (FLOWS + 'serve(greet.to_deployment("d"))\n', "greet"),
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_served_flow_is_registered_and_run(server: RunningServer, tmp_path: Path, kind: str) -> None:
    """What the script serves can be run; Ctrl-C ends it well."""
    text, name = SCRIPTS[kind]
    (tmp_path / "d.py").write_text(text)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("FLOWHAND_", "PREFECT_"))}
    env = {**kept, "FLOWHAND_API_URL": server.url, "FLOWHAND_HOME": str(tmp_path / "home"), "FLOWHAND_LOG_FORMAT": "json"}
    log = tmp_path / "log"
    with log.open("wb") as out:
        script = subprocess.Popen([sys.executable, "d.py"], cwd=tmp_path, env=env, stdout=out, stderr=out)
    try:
        wait_for(lambda: "Ctrl-C to stop" in log.read_text() or script.poll() is not None, 60, log.read_text)
        api = Api(server)
        deployment = api.call("GET", f"/deployments/name/{name}/d")
        assert deployment["entrypoint"] == ("d.py:Jobs.tidy" if name == "tidy" else "d.py:greet")
        run = api.ended(api.run(deployment["id"]))
        assert run["state_name"] == "Completed", (run["state"], log.read_text())
        expected = {"tidy": "tidied", "greet": "hello one" if kind == "one" else "hello you"}[name]
        assert expected in api.logs(run["id"])
        script.send_signal(signal.SIGINT)
        assert script.wait(30) == 0, log.read_text()
    finally:
        script.kill()
        script.wait()
