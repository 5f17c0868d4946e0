"""serve() of code that comes from a source: pulled, run, pulled again; paused at shutdown and resumed at the next start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.server import RunningServer, running_server
from support.worker import Api, wait_for

FLOW = """
from pathlib import Path
from flowhand import flow
@flow(log_prints=True)
def sourced():
    print("this is {version}")
"""
SCRIPT = """
import sys
from flowhand import flow, serve
from flowhand.runner.storage import GitRepository
if __name__ == "__main__":
    code = flow.from_source(GitRepository(sys.argv[1], pull_interval=1), "jobs/flows.py:sourced")
    serve(code.to_deployment("d", interval=3600), pause_on_shutdown=True)
"""


@contextmanager
def serving(server: RunningServer, folder: Path, url: str) -> Generator[None]:
    """The script while it serves; ended as by Ctrl-C, which must end it well."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("FLOWHAND_", "PREFECT_"))}
    env = {**kept, "FLOWHAND_API_URL": server.url, "FLOWHAND_HOME": str(folder / "home"), "FLOWHAND_LOG_FORMAT": "json"}
    log = folder / "log"
    with log.open("wb") as out:
        script = subprocess.Popen([sys.executable, "script.py", url], cwd=folder, env=env, stdout=out, stderr=out)
    try:
        wait_for(lambda: "Ctrl-C to stop" in log.read_text() or script.poll() is not None, 60, log.read_text)
        assert script.poll() is None, log.read_text()
        yield
        script.send_signal(signal.SIGINT)
        assert script.wait(30) == 0, log.read_text()
    finally:
        script.kill()
        script.wait()


def test_a_git_source_is_served_and_kept_fresh(tmp_path: Path) -> None:
    """The runs' code is the repository's; a commit reaches the runs that start after the next pull. No pull step is sent."""
    repository = Repository(tmp_path / "served")
    repository.commit({"jobs/flows.py": FLOW.format(version="one")})
    (tmp_path / "script.py").write_text(SCRIPT)
    with GitHttpServer(repository.bare.parent) as git, running_server(tmp_path / "server") as server:
        api, url = Api(server), git.url()

        def printed() -> list[str]:
            run = api.ended(api.run(deployment["id"]))
            assert run["state_name"] == "Completed", run["state"]
            return api.logs(run["id"])

        with serving(server, tmp_path, url):
            deployment = api.call("GET", "/deployments/name/sourced/d")
            assert (deployment["path"], deployment["entrypoint"]) == ("$STORAGE_BASE_PATH/code", "jobs/flows.py:sourced")
            assert not deployment["pull_steps"]
            assert "this is one" in printed()
            repository.commit({"jobs/flows.py": FLOW.format(version="the second")})
            wait_for(lambda: "this is the second" in printed(), 30)
        assert api.call("GET", f"/deployments/{deployment['id']}")["paused"]
        with serving(server, tmp_path, url):
            assert not api.call("GET", f"/deployments/{deployment['id']}")["paused"]
