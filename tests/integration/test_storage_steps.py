"""Pull steps, carried out: with real repositories, servers, programs and environments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.collect import Policy, collect
from flowhand_storage.errors import InvalidStep, StepFailed
from flowhand_storage.leases import hold
from flowhand_storage.scrub import MASK
from flowhand_storage.steps.progress import Progress, Reference, StepContext
from flowhand_storage.steps.run import run_steps, split_steps
from support.git_http import GitHttpServer
from support.git_repository import Repository
from support.storage_blocks import FolderBlock
from support.storage_files import read_files, write_files
from support.storage_s3 import KEY, SECRET, new_bucket, s3_settings
from support.storage_wheels import make_wheel, offline

TOKEN = "".join(["t0ken", "-of-the-host"])


class Host:
    """What the process that runs steps would hand in: its log, its blocks and variables."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[str] = []
        self.known: dict[Reference, Any] = {}
        self.blocks: dict[tuple[str, str], Any] = {}
        self.environ = dict(os.environ)
        self.store = CheckoutStore(folder / "storage")
        self.folder = folder / "run"
        self.folder.mkdir()

    @property
    def context(self) -> StepContext:
        return StepContext(
            folder=self.folder,
            store=self.store,
            environ=self.environ,
            resolve=lambda reference: self.known[reference],
            load_block=lambda kind, name: self.blocks[kind, name],
            log=self.lines.append,
        )

    def run(self, *steps: dict[str, Any], progress: Progress | None = None) -> Progress:
        return run_steps(steps, self.context, progress)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served")
    made.commit({"flow.py": "one", "requirements.txt": "", "lib/part.py": "part"})
    return made


@pytest.fixture
def server(repository: Repository) -> Iterator[GitHttpServer]:
    with GitHttpServer(repository.bare.parent, ("x-access-token", TOKEN)) as serving:
        yield serving


# --- fetching -----------------------------------------------------------------------------------------------------------------------


def test_clone_and_work_there(host: Host, repository: Repository) -> None:
    """The usual pair: clone, then work in what was cloned."""
    progress = host.run(
        {"prefect.deployments.steps.git_clone": {"id": "clone", "repository": str(repository.bare), "branch": "main"}},
        {"prefect.deployments.steps.set_working_directory": {"directory": "{{ clone.directory }}/lib"}},
    )
    assert progress.directory is not None
    assert read_files(Path(progress.directory)) == {"part.py": "part"}
    assert progress.by_id["clone"]["directory"] == str(Path(progress.directory).parent)
    assert any(repository.head[:12] in line for line in host.lines)


def test_a_clone_alone_is_where_the_run_works(host: Host, repository: Repository) -> None:
    """The directory that a step puts out becomes the run's, without saying more; a name in the run's folder leads there, too."""
    progress = host.run({"git_clone": {"repository": str(repository.bare), "branch": "main"}})
    assert progress.directory == str((host.folder / "code-main").resolve())
    named = host.run({"git_clone": {"repository": str(repository.bare), "clone_directory_name": "mine"}})
    assert named.directory == str((host.folder / "mine").resolve())


def test_what_steps_fetched_is_leased(host: Host, repository: Repository) -> None:
    """Nothing is collected under a run; after its release it may be."""
    progress = host.run({"git_clone": {"repository": str(repository.bare)}})
    nothing_stays = Policy(max_age=0, min_age=0, max_size=0)
    assert collect(host.store, nothing_stays, now=2e10).removed == []
    progress.release()
    assert progress.directory in [str(path) for path in collect(host.store, nothing_stays, now=2e10).removed]


def test_a_token_from_a_block(host: Host, server: GitHttpServer) -> None:
    """A secret block's value opens the repository, and appears nowhere."""
    host.known[Reference("secret", "token")] = TOKEN
    progress = host.run({"git_clone": {"repository": server.url(), "access_token": "{{ prefect.blocks.secret.token }}"}})
    host.known[Reference("github-credentials", "mine")] = {"token": TOKEN, "_block_type_slug": "github-credentials"}
    host.run({"git_clone": {"repository": server.url(), "credentials": "{{ flowhand.blocks.github-credentials.mine }}"}})
    assert TOKEN not in json.dumps(progress.to_data()) + str(host.lines)


def test_a_folder_of_a_bucket(host: Host) -> None:
    """S3 with a credentials block's fields, as Prefect's integration has them."""
    bucket, settings = new_bucket(), s3_settings()
    fsspec.filesystem("s3", **settings).pipe(f"{bucket}/flows/sub/flow.py", b"1")
    credentials = {
        "aws_access_key_id": KEY,
        "aws_secret_access_key": SECRET,
        "region_name": "eu-central-1",
        "aws_client_parameters": {"endpoint_url": settings["endpoint_url"]},
    }
    step = {"prefect_aws.deployments.steps.pull_from_s3": {"requires": "prefect-aws>=0.3", "bucket": bucket, "folder": "flows"}}
    step["prefect_aws.deployments.steps.pull_from_s3"]["credentials"] = credentials
    progress = host.run(step)
    assert progress.outputs["bucket"] == bucket
    assert read_files(Path(progress.outputs["directory"])) == {"sub/flow.py": "1"}


@pytest.mark.parametrize(
    "step",
    [
        {
            "pull_from_gcs": {
                "bucket": "b",
                "folder": "f",
                "credentials": {"service_account_info": '{"type": "service_account", "k": "%s"}'},
            }
        },
        {"pull_from_azure_blob_storage": {"container": "c", "folder": "f", "credentials": {"connection_string": "AccountKey=%s"}}},
        {"pull_from_s3": {"bucket": "b", "folder": "f", "credentials": {"aws_secret_access_key": "%s", "region_name": "no such region"}}},
    ],
)
def test_clouds_with_wrong_credentials(host: Host, step: dict[str, Any]) -> None:
    """What the client library says of them is told without them, or which package is missing."""
    filled_in = json.loads(json.dumps(step).replace("%s", TOKEN))
    with pytest.raises(StepFailed) as caught:
        host.run(filled_in)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_remote_storage_and_blocks(host: Host, tmp_path: Path) -> None:
    """Whatever fsspec reads, and whatever a saved block gives out."""
    write_files(tmp_path / "code", {"flow.py": "1"})
    host.blocks["local-file-system", "mine"] = FolderBlock(tmp_path / "code")
    url = f"file://{tmp_path}/code"
    first = host.run({"prefect.deployments.steps.pull_from_remote_storage": {"url": url, "requires": ["pytest"]}})
    names = {"block_type_slug": "local-file-system", "block_document_name": "mine"}
    second = host.run({"prefect.deployments.steps.pull_with_block": names})
    for progress in (first, second):
        assert read_files(Path(progress.directory or "")) == {"flow.py": "1"}


# --- scripts ------------------------------------------------------------------------------------------------------------------------


def test_a_script(host: Host) -> None:
    """Each line is a command; outputs and the log have what it said, in order."""
    script = "# a comment\necho 'one two'\n\npython3 -c 'import sys; print(\"err\", file=sys.stderr)'\npwd"
    progress = host.run({"run_shell_script": {"id": "sh", "script": script}}, {"run_shell_script": {"script": "echo {{ sh.stderr }}"}})
    assert progress.by_id["sh"] == {"stdout": f"one two\n{host.folder}", "stderr": "err"}
    assert progress.outputs["stdout"] == "err"
    assert [line for line in host.lines if not line.startswith("step ")][:2] == ["one two", "err"]


def test_a_script_without_a_shell(host: Host) -> None:
    """Pipes are words, unless a shell is asked for."""
    progress = host.run(
        {"run_shell_script": {"id": "plain", "script": "echo a | cat > b", "stream_output": False}},
        {"run_shell_script": {"id": "shell", "script": "echo a | tr a b\nexit 0; echo never", "shell": True}},
    )
    assert progress.by_id["plain"]["stdout"] == "a | cat > b"
    assert progress.by_id["shell"]["stdout"] == "b"
    assert list(host.folder.iterdir()) == []


def test_the_environment_of_a_script(host: Host) -> None:
    """Variables are added, removed, and put into the script when asked for."""
    host.environ |= {"GONE": "gone", "HOME_SWEET": "home"}
    env = {"ADDED": 1, "GONE": None}
    progress = host.run(
        {"run_shell_script": {"id": "env", "script": "env", "env": env, "stream_output": False}},
        {"run_shell_script": {"id": "put", "script": "echo $HOME_SWEET ${ADDED} $UNKNOWN", "env": env, "expand_env_vars": True}},
        {"run_shell_script": {"id": "not", "script": "echo $HOME_SWEET"}},
    )
    lines = progress.by_id["env"]["stdout"].splitlines()
    assert "ADDED=1" in lines
    assert not any(line.startswith("GONE=") for line in lines)
    assert (progress.by_id["put"]["stdout"], progress.by_id["not"]["stdout"]) == ("home 1 $UNKNOWN", "$HOME_SWEET")


def test_a_script_somewhere_else(host: Host) -> None:
    """The directory counts from where the steps work."""
    (host.folder / "a/b").mkdir(parents=True)
    progress = host.run({"set_working_directory": {"directory": "a"}}, {"run_shell_script": {"script": "pwd", "directory": "b"}})
    assert progress.outputs["stdout"] == str(host.folder / "a/b")


def test_secrets_in_what_a_script_says(host: Host) -> None:
    """A secret that a script prints is masked in the log; a later step still gets it."""
    host.known[Reference("secret", "word")] = "s3cret-word"
    first = {"id": "said", "script": "echo $W", "shell": True, "env": {"W": "{{ prefect.blocks.secret.word }}"}}
    progress = host.run({"run_shell_script": first}, {"run_shell_script": {"script": "printf '%.6s' {{ said.stdout }}"}})
    assert progress.outputs["stdout"] == "s3cret"
    assert MASK in host.lines
    assert "s3cret-word" not in str(host.lines)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("python3 -c 'import sys; sys.exit(\"bad luck\")'", "status 1: bad luck"),
        ("sh -c 'kill -9 $$'", "killed by signal 9"),
        ("no-such-program --flag", "cannot be started"),
        ("echo 'unbalanced", "line 1"),
    ],
)
def test_a_failing_script(host: Host, script: str, reason: str) -> None:
    """The step that fails is named, with how the program ended and what it said last."""
    with pytest.raises(StepFailed, match=reason) as caught:
        host.run({"set_working_directory": {"directory": "."}}, {"prefect.deployments.steps.run_shell_script": {"script": script}})
    assert (caught.value.index, caught.value.step) == (1, "prefect.deployments.steps.run_shell_script")


# --- environments -------------------------------------------------------------------------------------------------------------------


def imported(progress: Progress, name: str) -> str:
    """What the run's interpreter finds under a module's name."""
    program = f"import {name}; print({name}.value)"
    return subprocess.run([progress.python or "", "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("with_uv", [True, False])
def test_requirements(host: Host, tmp_path: Path, with_uv: bool) -> None:
    """A requirements file becomes an environment: built once, shared, named by its content, and it sees our own packages."""
    make_wheel(tmp_path / "wheels", "alpha_one")
    make_wheel(tmp_path / "wheels", "alpha_one", "2.0", "value = 2\n")
    host.environ |= offline(tmp_path / "wheels")
    if not with_uv:
        host.environ["PATH"] = "/usr/bin:/bin"
    (host.folder / "requirements.txt").write_text("-r more.txt\n")
    (host.folder / "more.txt").write_text("alpha_one==1.0\n")
    step = {"prefect.deployments.steps.pip_install_requirements": {"directory": ".", "requirements_file": "requirements.txt"}}
    first, second = host.run(step), host.run(step)
    assert imported(first, "alpha_one") == "1"
    assert first.python == second.python == first.outputs["python"]
    assert sum("is there already" in line for line in host.lines) == 1
    subprocess.run([first.python or "", "-c", "import flowhand_storage, fsspec"], check=True)
    (host.folder / "more.txt").write_text("alpha_one==2.0\n")
    assert imported(host.run(step), "alpha_one") == "2"
    assert imported(first, "alpha_one") == "1"


def test_requirements_that_cannot_be_met(host: Host, tmp_path: Path) -> None:
    """The installer's word is told, and no half environment is kept."""
    host.environ |= offline(tmp_path / "wheels")
    make_wheel(tmp_path / "wheels", "alpha_one")
    (host.folder / "requirements.txt").write_text("no_such_package_at_all\n")
    with pytest.raises(StepFailed, match="status"):
        host.run({"pip_install_requirements": {}})
    assert list(host.store.environments.finished()) == []
    with pytest.raises(StepFailed, match=r"nowhere\.txt"):
        host.run({"pip_install_requirements": {"requirements_file": "nowhere.txt"}})


def test_uv_sync(host: Host, tmp_path: Path) -> None:
    """A lock becomes an environment, with the groups asked for; the checkout is not written to."""
    make_wheel(tmp_path / "wheels", "alpha_one")
    make_wheel(tmp_path / "wheels", "beta_two", text="value = 22\n")
    host.environ |= offline(tmp_path / "wheels")
    (host.folder / "pyproject.toml").write_text(
        '[project]\nname = "flows"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["alpha_one"]\n'
        f'[dependency-groups]\nmore = ["beta_two"]\n[tool.uv]\nno-index = true\nfind-links = ["{tmp_path}/wheels"]\n'
    )
    uv = [str(Path(sys.executable).parent / "uv"), "lock", "--quiet"]
    subprocess.run(uv, cwd=host.folder, env=host.environ, check=True)
    before = sorted(path.name for path in host.folder.iterdir())
    plain, again = host.run({"uv_sync": {}}), host.run({"uv_sync": {}})
    more = host.run({"uv_sync": {"groups": ["more"]}})
    assert imported(plain, "alpha_one") == "1"
    assert plain.python == again.python != more.python
    assert imported(more, "beta_two") == "22"
    assert sorted(path.name for path in host.folder.iterdir()) == before
    subprocess.run([plain.python or "", "-c", "import flowhand_storage"], check=True)


def test_uv_sync_without_a_lock(host: Host) -> None:
    """A project without a lock file is told what is missing."""
    with pytest.raises(StepFailed, match=r"uv\.lock"):
        host.run({"uv_sync": {}})


# --- functions of the user's own ----------------------------------------------------------------------------------------------------


@pytest.fixture
def own_steps(tmp_path: Path) -> Iterator[None]:
    """A module with steps, importable while the test runs."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "team_steps.py").write_text(
        "import os\n"
        "def greet(name, times=1):\n    return {'text': name * times, 'directory': os.getcwd()}\n"
        "async def later(): return {'late': True}\n"
        "def go(): os.chdir('sub')\n"
        "def wrong(): return 'text'\n"
        "def fail(token): raise RuntimeError(f'refused: {token}')\n"
        "def leave(): raise SystemExit(3)\n"
        "constant = 1\n"
    )
    sys.path.insert(0, str(tmp_path / "own"))
    yield
    sys.path.remove(str(tmp_path / "own"))
    sys.modules.pop("team_steps", None)


@pytest.mark.usefixtures("own_steps")
def test_own_functions(host: Host) -> None:
    """Plain and async functions, their inputs and outputs, and where they go."""
    (host.folder / "sub").mkdir()
    here = Path.cwd()
    progress = host.run(
        {"team_steps.greet": {"id": "hi", "name": "ab", "times": 2}},
        {"team_steps.later": None},
        {"team_steps.go": {}},
        {"run_shell_script": {"script": "pwd"}},
    )
    assert progress.by_id["hi"] == {"text": "abab", "directory": str(host.folder)}
    assert progress.outputs["late"] is True
    assert progress.outputs["stdout"] == str(host.folder / "sub")
    assert Path.cwd() == here


@pytest.mark.usefixtures("own_steps")
@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"team_steps.wrong": {}}, "must return a mapping"),
        ({"team_steps.leave": {}}, "SystemExit: 3"),
        ({"team_steps.greet": {"nobody": 1}}, "TypeError"),
        ({"team_steps.constant": {}}, "no function"),
        ({"team_steps.nothing": {}}, "cannot be imported"),
        ({"no_such_module.step": {}}, "cannot be imported"),
    ],
)
def test_own_functions_that_fail(host: Host, step: dict[str, Any], reason: str) -> None:
    """What goes wrong in a user's function is the step's failure, never ours."""
    with pytest.raises(StepFailed, match=reason):
        host.run(step)


@pytest.mark.usefixtures("own_steps")
def test_an_own_function_that_quotes_its_secret(host: Host) -> None:
    """Even then it stays out of the error."""
    host.known[Reference("secret", "word")] = "s3cret" + "-word"
    with pytest.raises(StepFailed, match="refused") as caught:
        host.run({"team_steps.fail": {"token": "{{ prefect.blocks.secret.word }}"}})
    assert "s3cret-word" not in "".join(traceback.format_exception(caught.value))


def test_a_required_package_is_installed(host: Host, tmp_path: Path) -> None:
    """What `requires` names is fetched when it is missing, into a folder of its own, once."""
    make_wheel(tmp_path / "wheels", "gamma_steps", text="def make(): return {'made': 3}\n")
    host.environ |= offline(tmp_path / "wheels")
    before = list(sys.path)
    try:
        for _ in range(2):
            assert host.run({"gamma_steps.make": {"requires": "gamma_steps>=1.0"}}).outputs == {"made": 3}
            sys.modules.pop("gamma_steps", None)
            sys.path[:] = before
    finally:
        sys.path[:] = before
    assert sum("installing" in line for line in host.lines) == 1


@pytest.mark.parametrize("requires", ["--index-url=x", "name @ https://x/y.whl", "a; b", "../x"])
def test_requires_takes_no_options(host: Host, requires: str) -> None:
    """Only names with versions: no option, no address."""
    with pytest.raises(StepFailed, match="requires"):
        host.run({"os.getcwd": {"requires": requires}})


# --- in two processes ---------------------------------------------------------------------------------------------------------------


def test_steps_go_on_in_another_process(host: Host, repository: Repository) -> None:
    """What was prepared is handed on as JSON: outputs, directory, and the count for errors; the checkout can be held again."""
    steps = [
        {"git_clone": {"id": "clone", "repository": str(repository.bare)}},
        {"run_shell_script": {"script": "cat flow.py", "directory": "{{ clone.directory }}"}},
        {"run_shell_script": {"script": "false"}},
    ]
    ours, rest = split_steps(steps)
    assert (len(ours), len(rest)) == (1, 2)
    prepared = run_steps(ours, host.context)
    handed = Progress.from_data(json.loads(json.dumps(prepared.to_data())))
    prepared.release()
    assert handed.directory is not None
    kept = hold(Path(handed.directory))
    assert kept is not None
    with pytest.raises(StepFailed, match="step 3"):
        run_steps(rest, host.context, handed)
    assert handed.outputs["stdout"] == "one"
    kept.release()


# --- failures ----------------------------------------------------------------------------------------------------------------------


def test_a_failure_names_the_step_and_its_inputs(host: Host, server: GitHttpServer) -> None:
    """Inputs stand in the error as they were written: templates as templates, secrets masked, addresses without passwords."""
    host.known[Reference("secret", "token")] = "wr0ng" + "-token"
    inputs = {
        "repository": server.url().replace("://", f"://ada:{TOKEN}@"),
        "branch": "main",
        "access_token": "{{ prefect.blocks.secret.token }}",
    }
    with pytest.raises(StepFailed) as caught:
        host.run({"prefect.deployments.steps.git_clone": inputs})
    message = str(caught.value)
    assert "pull step 1, prefect.deployments.steps.git_clone, failed" in message
    assert "{{ prefect.blocks.secret.token }}" in message
    assert '"branch": "main"' in message
    assert TOKEN not in message
    assert "wr0ng-token" not in "".join(traceback.format_exception(caught.value))


def test_the_hosts_redactor_is_used(host: Host) -> None:
    """What only the host knows to be secret is masked, too."""
    context = StepContext(
        folder=host.folder,
        store=host.store,
        log=host.lines.append,
        redact=lambda text: text.replace("classified", "#"),
    )
    with pytest.raises(StepFailed, match=r"\(inputs") as caught:
        run_steps([{"run_shell_script": {"script": "echo classified\ncat classified"}}], context)
    assert "classified" not in str(host.lines) + str(caught.value)
    assert "#" in host.lines


def test_a_failed_step_lets_go(host: Host, repository: Repository) -> None:
    """What earlier steps leased is free after a failure."""
    with pytest.raises(StepFailed):
        host.run({"git_clone": {"repository": str(repository.bare)}}, {"run_shell_script": {"script": "false"}})
    collect(host.store, Policy(max_age=0, min_age=0, max_size=0), now=2e10)
    assert list(host.store.checkouts.finished()) == []


def test_nothing_runs_before_all_is_checked(host: Host) -> None:
    """A mistake in the last step is told before the first one runs."""
    with pytest.raises(InvalidStep, match="step 2"):
        host.run({"run_shell_script": {"script": "touch made"}}, {"git_clnoe": {}})
    assert list(host.folder.iterdir()) == []
