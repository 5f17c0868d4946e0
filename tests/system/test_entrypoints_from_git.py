"""What a checkout may look like: forms of entrypoints and names of modules, cloned and run by a real worker."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.git_repository import Repository
from support.server import running_server
from support.worker import Api, running_worker

BEGIN = "from flowhand import flow\n"
NAMED_LIKE_OURS = ("storage", "server", "client", "wire", "sdk", "child", "keeper", "secret", "blocks", "settings", "state", "errors")
"""Modules with the names of folders and files of flowhand's."""
NAMED_LIKE_PYTHONS = ("logging", "secrets", "queue", "email", "html", "uuid", "random", "statistics", "tempfile", "calendar", "cmd", "code")
"""And with those of the standard library, some of which our own parts load late."""

DECORATED = """
import functools
from flowhand import flow

def shouting(function):
    @functools.wraps(function)
    def shout(*args, **kwargs):
        return function(*args, **kwargs).upper()
    return shout

@flow(log_prints=True)
@shouting
def decorated(name: str = "ada"):
    return name

@flow(log_prints=True)
def main():
    print("decorated", decorated("grace"))
"""
POOLED = """
import multiprocessing, pickle
from concurrent.futures import ProcessPoolExecutor
from flowhand import flow
from shared.box import Box

class Own:
    def __init__(self, value): self.value = value

def twice(own): return Own(own.value * 2)

@flow(log_prints=True)
def main():
    for method in ("fork", "spawn", "forkserver"):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            print(method, pool.submit(twice, Own(21)).result().value)
    print("pickled", pickle.loads(pickle.dumps(Box(3))).value)
"""
GUARDED = """
import sys
from flowhand import flow

@flow(log_prints=True)
def main():
    print("guarded", __name__)

if __name__ == "__main__":
    sys.exit("this is not for runs")
"""
SRC = {
    "pyproject.toml": "[project]\nname = 'acme'\nversion = '1'\n",
    "src/acme/__init__.py": "",
    "src/acme/names.py": "NAME = 'acme'\n",
    "src/acme/jobs/__init__.py": "",
    "src/acme/jobs/daily.py": BEGIN
    + "from ..names import NAME\nfrom acme import names\n@flow(log_prints=True)\ndef main(): print('src', NAME, __name__, names.NAME)\n",
}
CROWDED = """
import json, os, sys
from flowhand import flow, get_run_logger
from flowhand.variables import Variable
import storage, runner.parts

@flow(log_prints=True)
def main():
    Variable.set("crowded", "asked over the API", overwrite=True)
    print("crowded", storage.__file__ == os.path.abspath("storage.py"), runner.parts.PART, Variable.get("crowded"))
"""
FILES = {
    "decorated.py": DECORATED,
    "pooled.py": POOLED,
    "shared/box.py": "class Box:\n    def __init__(self, value): self.value = value\n",
    "guarded.py": GUARDED,
    "classes.py": BEGIN + "class Jobs:\n    @staticmethod\n    @flow(log_prints=True)\n    def main(): print('static')\n",
    **SRC,
}
BROKEN = "raise RuntimeError('a module of the checkout stood in for another one')\n"
CROWD = {
    "crowded.py": CROWDED,
    "runner/__init__.py": "",
    "runner/parts.py": "PART = 'a part'\n",
    **{f"{name}.py": BROKEN for name in (*NAMED_LIKE_OURS, *NAMED_LIKE_PYTHONS) if name != "storage"},
    "storage.py": "",
}


@dataclass
class House:
    """A server and a worker, and repositories of this machine."""

    api: Api
    code: Repository
    crowd: Repository

    def logs(self, repository: Repository, entrypoint: str, *steps: dict[str, object]) -> list[str]:
        """What a run of the entrypoint says; it completes."""
        clone: dict[str, object] = {"git_clone": {"id": "code", "repository": str(repository.bare), "branch": "main"}}
        deployment = self.api.deploy(entrypoint, Path(), pull_steps=[clone, *steps])
        ended = self.api.ended(self.api.run(deployment))
        logs = self.api.logs(ended["id"])
        assert ended["state_name"] == "Completed", (ended["state"], logs)
        return logs


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    folder = tmp_path_factory.mktemp("house")
    code, crowd = Repository(folder / "code"), Repository(folder / "crowd")
    code.commit(FILES)
    crowd.commit(CROWD)
    with running_server(folder / "server") as server:
        api = Api(server)
        api.pool("pool")
        with running_worker(server, home=folder / "worker", cwd=Path("/")):
            yield House(api, code, crowd)


@pytest.mark.parametrize(
    ("entrypoint", "says"),
    [
        ("decorated.py:main", ["decorated GRACE"]),
        ("pooled.py:main", ["fork 42", "spawn 42", "forkserver 42", "pickled 3"]),
        ("guarded.py:main", ["guarded guarded"]),
        ("classes.py:Jobs.main", ["static"]),
        ("src/acme/jobs/daily.py:main", ["src acme acme.jobs.daily acme"]),
    ],
)
def test_a_checkout_runs(house: House, entrypoint: str, says: list[str]) -> None:
    """Decorated flows, pools of processes, a guarded script, a static method, a package below src."""
    assert [line for line in house.logs(house.code, entrypoint) if line in says] == says


def test_a_package_below_src_by_its_module(house: House) -> None:
    """A step that works in `src` makes its packages importable under their own names."""
    step = {"set_working_directory": {"directory": "{{ code.directory }}/src"}}
    assert "src acme acme.jobs.daily acme" in house.logs(house.code, "acme.jobs.daily:main", step)


def test_names_like_ours_and_pythons_disturb_nobody(house: House) -> None:
    """The flow gets its own `storage` and `runner`; what we load late is never taken from the checkout."""
    assert "crowded True a part asked over the API" in house.logs(house.crowd, "crowded.py:main")
