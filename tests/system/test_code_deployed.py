"""Code from a source, from end to end: a served script that follows its branch, a worker that fetches and builds environments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.collect import Policy, collect
from support.git_repository import Repository
from support.server import RunningServer, running_server
from support.storage_files import write_files
from support.storage_s3 import KEY, SECRET, new_bucket, s3_settings
from support.storage_wheels import make_wheel, offline
from support.worker import Api, RunningWorker, running_worker, wait_for

HEADER = "import os, sys, time\nfrom flowhand import flow\n"


@dataclass
class House:
    """A server, a worker, and a folder for what they work with."""

    api: Api
    server: RunningServer
    worker: RunningWorker
    folder: Path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    folder = tmp_path_factory.mktemp("house")
    forgotten(folder / "worker")
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **offline(folder / "wheels")}
    with running_server(folder / "server") as server:
        api = Api(server)
        api.pool("pool")
        with running_worker(server, home=folder / "worker", cwd=Path("/"), environ=environ) as worker:
            yield House(api, server, worker, folder)


def forgotten(home: Path) -> None:
    """A checkout that nobody has used for a month."""
    store = CheckoutStore(home / "storage")
    with store.checkouts.lease("forgotten", "forgotten", lambda folder: write_files(folder, {"flow.py": ""})) as lease:
        record = lease.path.with_name("forgotten.json")
    then = time.time() - 30 * 86_400
    os.utime(record, (then, then))


def test_a_worker_removes_what_was_forgotten(house: House) -> None:
    """At its start, and its log says so."""
    gone = house.folder / "worker" / "storage" / "checkouts" / "forgotten"
    wait_for(lambda: not gone.exists(), 20)
    house.worker.says("Removed code that was not used for long")


def test_uv_builds_the_environment_that_a_lock_describes(house: House) -> None:
    """`uv_sync` in a worker's run: the flow imports what was locked, the second run finds the environment there."""
    make_wheel(house.folder / "wheels", "alpha_one", text="value = 'locked'\n")
    project = '[project]\nname = "jobs"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["alpha_one"]\n'
    body = "import alpha_one\n@flow(log_prints=True)\ndef locked(): print(alpha_one.value, 'by', sys.executable)\n"
    repository = Repository(house.folder / "uv")
    write_files(house.folder / "project", {"pyproject.toml": project})
    uv = [str(Path(sys.executable).with_name("uv")), "lock", "-q"]
    subprocess.run(uv, cwd=house.folder / "project", env=os.environ | offline(house.folder / "wheels"), check=True)
    lock = (house.folder / "project" / "uv.lock").read_text()
    repository.commit({"flows.py": HEADER + body, "pyproject.toml": project, "uv.lock": lock})
    steps = [{"git_clone": {"id": "clone", "repository": str(repository.bare)}}, {"uv_sync": {"directory": "{{ clone.directory }}"}}]
    deployment = house.api.deploy("flows.py:locked", Path(), pull_steps=steps)
    for again in (False, True):
        ended = house.api.ended(house.api.run(deployment))
        logs = house.api.logs(ended["id"])
        assert ended["state_name"] == "Completed", (ended["state"], logs)
        assert [line for line in logs if line.startswith("locked by ") and "/storage/environments/" in line]
        assert any(line.endswith("is there already") for line in logs) is again


def test_code_is_pulled_from_a_bucket(house: House) -> None:
    """`pull_from_s3` in a worker's run, against a server that speaks S3."""
    settings, bucket = s3_settings(), new_bucket()
    body = "@flow(log_prints=True)\ndef pulled(): print('from', os.listdir())\n"
    fsspec.filesystem("s3", **settings).pipe(f"{bucket}/jobs/flows.py", (HEADER + body).encode())
    client = settings["client_kwargs"] | {"endpoint_url": settings["endpoint_url"]}
    credentials = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
    step = {"pull_from_s3": {"bucket": bucket, "folder": "jobs", "credentials": credentials, "client_parameters": client}}
    ended = house.api.ended(house.api.run(house.api.deploy("flows.py:pulled", Path(), pull_steps=[step])))
    logs = house.api.logs(ended["id"])
    assert ended["state_name"] == "Completed", (ended["state"], logs)
    assert "from ['flows.py']" in logs
    assert not [line for line in logs if SECRET in line]


FOLLOWED = """
from parts import first
@flow(log_prints=True)
def followed(gate: str):
    print("begins with", first.NAME)
    while not os.path.exists(gate): time.sleep(0.02)
    from parts import second
    print("ends with", second.NAME)
"""
SCRIPT = """
from flowhand import flow
from flowhand.runner.storage import GitRepository
code = GitRepository({url!r}, branch="main", pull_interval=1)
if __name__ == "__main__":
    flow.from_source(code, "flows.py:followed").serve(name="d")
"""


@contextmanager
def serving(house: House, url: str) -> Generator[Path]:
    """A script that serves a flow of the repository, until the block ends; its home."""
    folder = house.folder / "script"
    write_files(folder, {"serving.py": SCRIPT.format(url=url)})
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("FLOWHAND_", "PREFECT_"))}
    env = {**kept, "FLOWHAND_API_URL": house.server.url, "FLOWHAND_HOME": str(folder / "home")}
    log = folder / "log"
    with log.open("wb") as out:
        script = subprocess.Popen([sys.executable, "serving.py"], cwd=folder, env=env, stdout=out, stderr=out)
    try:
        wait_for(lambda: "Ctrl-C to stop" in log.read_text() or script.poll() is not None, 60, log.read_text)
        yield folder / "home"
        script.send_signal(signal.SIGINT)
        assert script.wait(30) == 0, log.read_text()
    finally:
        script.kill()
        script.wait()


def revisions(name: str) -> dict[str, str]:
    """The repository's files at one of its commits."""
    parts = {f"parts/{part}.py": f"NAME = {name!r}\n" for part in ("first", "second")}
    return {"flows.py": HEADER + FOLLOWED, "parts/__init__.py": "", **parts}


def test_a_served_deployment_follows_its_branch_between_runs(house: House) -> None:
    """What has begun goes on with the code that it began with, late imports too, and nobody collects it; what begins later has the next."""
    repository, gate = Repository(house.folder / "followed"), house.folder / "gate"
    repository.commit(revisions("none"))
    with serving(house, str(repository.bare)) as home:
        (link,) = [path for path in (home / "served").glob("*/*") if path.is_symlink()]
        loaded = link.resolve()  # the script holds that one itself: it has loaded the flow from it
        repository.commit(revisions("one"))
        wait_for(lambda: link.resolve() != loaded, 30)
        before = link.resolve()
        deployment = house.api.call("GET", "/deployments/name/followed/d")["id"]
        early = house.api.run(deployment, parameters={"gate": str(gate)})
        wait_for(lambda: "begins with one" in house.api.logs(early), 30)
        repository.commit(revisions("two"))
        wait_for(lambda: link.resolve() != before, 30)
        assert before not in collect(CheckoutStore(home / "storage"), Policy(max_age=0, min_age=0, max_size=0)).removed
        late = house.api.run(deployment, parameters={"gate": str(gate)})
        wait_for(lambda: "begins with two" in house.api.logs(late), 30)
        gate.touch()
        ends: dict[str, Any] = {run: house.api.ended(run)["state_name"] for run in (early, late)}
    assert set(ends.values()) == {"Completed"}
    assert "ends with one" in house.api.logs(early)
    assert "ends with two" in house.api.logs(late)
