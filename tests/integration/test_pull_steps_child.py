"""Pull steps in a run's process: real repositories, scripts and environments, the process forked as a keeper forks it."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.collect import Policy, collect
from support.children import HEADER, Nursery, Run
from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.storage_wheels import make_wheel, offline
from support.worker import wait_for

TOKEN = "".join(["t0ken", "-of-the-host"])
MAIN = "@flow(persist_result=True)\ndef main(): return [os.getcwd(), sys.executable, os.listdir()]\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("nursery"))
    yield nursery
    nursery.close()


class Host:
    """One machine: a home of its own, a temporary folder of its own, and runs with steps."""

    def __init__(self, nursery: Nursery, folder: Path) -> None:
        self.nursery, self.home, self.temporary = nursery, folder / "home", folder / "tmp"
        self.temporary.mkdir()
        self.env: dict[str, str | None] = {"FLOWHAND_HOME": str(self.home), "TMPDIR": str(self.temporary)}

    def job(self, *steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """What a job of a deployment with these steps and no folder of its own has."""
        env = self.env | changes.pop("env", {})
        return {"pull_steps": list(steps), "directory": str(Path.cwd()), "env": env, **changes}

    def run(self, *steps: dict[str, Any], **changes: Any) -> Run:
        return self.nursery.run(**self.job(*steps, **changes))


@pytest.fixture
def host(server: Nursery, tmp_path: Path) -> Host:
    server.folder = tmp_path
    return Host(server, tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served")
    made.commit({"flows.py": HEADER + MAIN, "jobs/sibling.py": "NAME = 'beside'\n", "requirements.txt": "alpha_one\n"})
    return made


def clone(repository: Repository | str, **inputs: Any) -> dict[str, Any]:
    url = repository if isinstance(repository, str) else str(repository.bare)
    return {"prefect.deployments.steps.git_clone": {"repository": url, "id": "clone", **inputs}}


def test_a_run_works_in_what_was_cloned(host: Host, repository: Repository) -> None:
    """Under the home, shared; said in the run's log; nothing is left in the temporary folder."""
    run = host.run(clone(repository, branch="main"))
    assert run.end["type"] == "COMPLETED", run.end
    directory = Path(run.end["data"][0])
    assert directory.is_relative_to(host.home / "storage" / "checkouts")
    assert [line for line in run.messages() if line.startswith("step 1: prefect.deployments.steps.git_clone")]
    assert f"code is at revision {repository.head[:12]}" in run.messages()
    assert list(host.temporary.iterdir()) == []


def test_outputs_lead_the_steps_that_follow(host: Host, repository: Repository) -> None:
    """By template and by the name that a clone has in the run's folder, as Prefect's users write them."""
    templated = host.run(
        clone(repository), {"set_working_directory": {"directory": "{{ clone.directory }}/jobs"}}, entrypoint="../flows.py:main"
    )
    assert templated.end["data"][2] == ["sibling.py"]
    named = host.run(clone(repository, branch="main"), {"set_working_directory": {"directory": "code-main"}})
    assert "flows.py" in named.end["data"][2]


def test_what_scripts_and_own_functions_say_is_in_the_runs_log(host: Host, repository: Repository) -> None:
    """Line by line; what a function puts out is there for templates. One that puts out something else is told."""
    own = {"sysconfig.get_paths": {"id": "paths"}}
    script = {"prefect.deployments.steps.run_shell_script": {"script": "echo {{ paths.stdlib }}\nls {{ clone.directory }}"}}
    run = host.run(clone(repository), own, script)
    assert run.messages().index(sysconfig.get_path("stdlib")) < run.messages().index("flows.py")
    failing = host.run(clone(repository), {"platform.node": {}})
    assert "platform.node must return a mapping" in failing.end["message"]


def test_a_failing_step_is_told_by_name_with_its_inputs(host: Host, repository: Repository) -> None:
    """In the state; the error carries no more than that, and no secret. A step that cannot be is told before any is run."""
    with GitHttpServer(repository.bare.parent, ("x-access-token", TOKEN)) as serving:
        run = host.run(clone(serving.url(), access_token="wrong-" + TOKEN))
    assert run.end["type"] == "FAILED"
    assert run.end["message"].startswith("The code could not be fetched: pull step 1, prefect.deployments.steps.git_clone, failed: ")
    assert '"access_token": "***"' in run.end["message"]
    assert run.end["error"]["type"] == "PullStepFailed"
    frames = [frame for frame in run.frames if frame["k"] != "secret"]
    assert "wrong-" + TOKEN not in str(frames) + run.stdout + run.stderr
    misspelt = host.run({"run_shell_script": {"script": "echo ran"}}, {"git_clon": {}})
    assert "did you mean git_clone" in misspelt.end["message"]
    assert "ran" not in misspelt.messages()


def test_secrets_of_steps_are_told_to_the_keeper_before_they_are_used(host: Host, repository: Repository) -> None:
    """A token out of the environment clones a private repository; it is concealed first, and is in no file that is left."""
    with GitHttpServer(repository.bare.parent, ("x-access-token", TOKEN)) as serving:
        step = clone(serving.url(), access_token="{{ $HOST_PAT }}")
        run = host.run(step, {"run_shell_script": {"script": f"echo {TOKEN}"}}, env={"HOST_PAT": TOKEN})
    assert run.end["type"] == "COMPLETED", run.end
    kinds = [frame["k"] if frame["k"] == "secret" else frame.get("m", "") for frame in run.frames]
    assert kinds.index("secret") < next(at for at, text in enumerate(kinds) if "is at revision" in text)
    assert [frame["v"] for frame in run.of("secret")] == [TOKEN]
    assert "***" in run.messages()
    assert not [message for message in run.messages() if TOKEN in message]
    assert not [path for path in host.home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_a_pinned_commit_is_run_again_without_the_server(host: Host, repository: Repository) -> None:
    """The second run of a commit asks nobody."""
    with GitHttpServer(repository.bare.parent) as serving:
        step = clone(serving.url(), commit_sha=repository.head)
        first, asked = host.run(step), len(serving.seen)
        serving.broken = True
        second = host.run(step)
        assert len(serving.seen) == asked > 0
    assert first.end["data"][0] == second.end["data"][0]


def test_a_checkout_stays_while_its_run_lasts(host: Host, repository: Repository, tmp_path: Path) -> None:
    """The lock is the process's own: nothing is collected under it, and all is once it is gone."""
    store, gate = CheckoutStore(host.home / "storage"), tmp_path / "gate"
    flow = f"@flow\ndef main():\n    print('up', flush=True)\n    while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
    repository.commit({"flows.py": HEADER + flow})
    eager = Policy(max_age=0, min_age=0, max_size=0)
    with host.nursery.started(**host.job(clone(repository))) as run:
        wait_for(lambda: "up" in run.stdout, 20)
        assert collect(store, eager).removed == []
        gate.touch()
    assert [path.parent.name for path in collect(store, eager).removed][:1] == ["checkouts"]


def test_a_run_goes_on_in_the_interpreter_that_its_steps_built(host: Host, repository: Repository, tmp_path: Path) -> None:
    """Same process and log; it can import what was installed, holds the environment, and the second one finds it there."""
    make_wheel(tmp_path / "wheels", "alpha_one", text="value = 'installed'\n")
    body = "@flow(persist_result=True)\ndef main():\n    import alpha_one\n    return [alpha_one.value, os.getpid(), sys.executable]\n"
    repository.commit({"flows.py": HEADER + body, "requirements.txt": "alpha_one\n"})
    steps = [clone(repository), {"pip_install_requirements": {"directory": "{{ clone.directory }}"}}]
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **offline(tmp_path / "wheels")}
    first = host.run(*steps, env=env)
    assert first.end["type"] == "COMPLETED", first.end
    value, pid, executable = first.end["data"]
    assert (value, pid) == ("installed", first.pid)
    assert Path(executable).is_relative_to(host.home / "storage" / "environments")
    assert (first.stderr, list(host.temporary.iterdir())) == ("", [])
    again = host.run(*steps, env=env)
    assert again.end["data"][2] == executable
    assert [message for message in again.messages() if message.endswith("is there already")]


def test_steps_begin_in_the_folder_that_the_job_names(host: Host, tmp_path: Path) -> None:
    """A job's own working directory is where scripts run; without one it is a private folder, gone with the run."""
    place = tmp_path / "place"
    place.mkdir()
    (place / "flows.py").write_text(HEADER + MAIN)
    run = host.run({"run_shell_script": {"script": "pwd"}}, directory=str(place))
    assert str(place) in run.messages()
    assert run.end["data"][0] == str(place)
    own = host.run({"run_shell_script": {"script": "pwd"}})
    assert [message for message in own.messages() if message.startswith(f"{host.temporary}/flowhand-run-")]
    assert list(host.temporary.iterdir()) == []


def test_a_stop_ends_a_script(host: Host) -> None:
    """A run that is cancelled while a step runs ends at once, and so does what the step started."""
    with host.nursery.started(**host.job({"run_shell_script": {"script": "echo begun\nsleep 100"}})) as run:
        run.wait_for("log", "begun")
        run.stop("cancel")
    assert run.end["type"] == "CANCELLED", run.end
