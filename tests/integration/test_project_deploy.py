"""`flowhand deploy` and `flowhand init`: a folder with a project file, and what the API holds afterwards."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from support.cli import Ended, Terminal, environment, flowhand
from support.server import RunningServer, running_server
from support.worker import Api, running_worker

FLOWS = """
from flowhand import flow

@flow
def adding(x: int = 1, y: str = "a") -> int:
    "Adds."
    return x + 1

@flow(name="other-flow")
def other() -> None:
    pass
"""
FILE = """\
name: project
prefect-version: 3.9.1

build:
  - prefect.deployments.steps.run_shell_script:
      id: revision
      script: echo abc123
push: null
pull:
  - prefect.deployments.steps.set_working_directory:
      directory: "{{ $PROJECT }}/{{ $SOME_TOKEN }}/{{ $NOT_HERE }}/{{ prefect.variables.stage }}/{{ revision.stdout }}"

definitions:
  tags: &tags [nightly, "{{ prefect.variables.stage }}"]
  pool: &pool
    name: procs
    job_variables:
      env: {REVISION: "rev-{{ revision.stdout }}", TOKEN: "{{ prefect.blocks.secret.token }}", WHO: "{{ $WHO }}"}

deployments:
  - name: first
    version: "{{ revision.stdout }}"
    entrypoint: flows.py:adding
    tags: *tags
    parameters: {x: 3}
    schedules:
      - cron: "0 9 * * *"
        timezone: Europe/Berlin
        slug: morning
      - interval: 3600
        anchor_date: "2026-01-01T00:00:00+00:00"
        active: false
        parameters: {x: 4}
      - rrule: FREQ=DAILY;UNTIL=20300101T000000Z
    concurrency_limit: {limit: 2, collision_strategy: CANCEL_NEW}
    work_pool: *pool
    triggers:
      - expect: [order.placed]
        match: {"prefect.resource.id": "shop.*"}
        parameters: {y: "{{ event.payload.name }}"}
  - name: second
    description: Another.
    entrypoint: flows.py:other
    paused: true
    enforce_parameter_schema: false
    concurrency_limit: 1
    pull: []
    schedule: {}
    work_pool:
      <<: *pool
      work_queue_name: fast
      job_variables: {}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        api = Api(server)
        api.pool("procs")
        template = api.call("GET", "/collections/views/aggregate-worker-metadata")["prefect"]["process"]["default_base_job_configuration"]
        api.pool("strict", base_job_template=template)
        api.call("POST", "/variables/", {"name": "stage", "value": "testing"})
        kind = api.call("GET", "/block_types/slug/secret")
        schema = api.call("POST", "/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}})[0]
        about = {"block_type_id": kind["id"], "block_schema_id": schema["id"]}
        api.call("POST", "/block_documents/", {"name": "token", "data": {"value": "s3cret-token"}, **about})
        yield server


@pytest.fixture
def api(server: RunningServer) -> Generator[Api]:
    api = Api(server)
    yield api
    for one in api.call("POST", "/deployments/filter", {}):
        api.call("DELETE", f"/deployments/{one['id']}")


class Project:
    """A folder in which somebody types `flowhand deploy`."""

    def __init__(self, folder: Path, server: RunningServer) -> None:
        self.folder = folder
        self.environ = environment(server.home, server.url, WHO="me", PROJECT=str(folder), SOME_TOKEN="s3cret-of-mine", COLUMNS="200")
        (folder / "flows.py").write_text(FLOWS)

    def write(self, text: str, name: str = "prefect.yaml") -> Path:
        path = self.folder / name
        path.write_text(dedent(text))
        return path

    def run(self, *words: str) -> Ended:
        return flowhand(*words, env=self.environ, cwd=self.folder)

    def done(self, *words: str) -> str:
        ended = self.run(*words)
        assert ended.code == 0, ended
        return ended.out

    def refused(self, *words: str, code: int = 2) -> str:
        ended = self.run(*words)
        assert ended.code == code, ended
        return ended.err


@pytest.fixture
def project(tmp_path: Path, server: RunningServer) -> Project:
    return Project(tmp_path, server)


def held(api: Api, name: str) -> dict[str, Any]:
    return api.call("GET", f"/deployments/name/{name}")


def names(api: Api) -> list[str]:
    return sorted(one["name"] for one in api.call("POST", "/deployments/filter", {}))


def test_a_file_of_prefect_is_deployed_as_it_is(api: Api, project: Project) -> None:
    """Anchors, steps, templates with outputs, blocks, variables and environment, schedules, limits, triggers: all of it arrives."""
    project.write(FILE)
    out = project.done("deploy", "--all")
    first, second = held(api, "adding/first"), held(api, "other-flow/second")
    assert (first["version"], first["description"], first["entrypoint"]) == ("abc123", "Adds.", "flows.py:adding")
    assert (first["tags"], first["parameters"], first["enforce_parameter_schema"]) == (["nightly", "testing"], {"x": 3}, True)
    assert first["job_variables"] == {"env": {"REVISION": "rev-abc123", "TOKEN": "s3cret-token", "WHO": "me"}}
    # secrets, and what only the run knows, are left to it
    directory = f"{project.folder}/{{{{ $SOME_TOKEN }}}}/{{{{ $NOT_HERE }}}}/{{{{ prefect.variables.stage }}}}/abc123"
    assert first["pull_steps"] == [{"prefect.deployments.steps.set_working_directory": {"directory": directory}}]
    assert (first["global_concurrency_limit"]["limit"], first["concurrency_options"]["collision_strategy"]) == (2, "CANCEL_NEW")
    rules = {next(iter(one["schedule"].keys() & {"cron", "interval", "rrule"})): one for one in first["schedules"]}
    assert (rules["cron"]["schedule"]["timezone"], rules["cron"]["slug"]) == ("Europe/Berlin", "morning")
    assert (rules["interval"]["active"], rules["interval"]["parameters"]) == (False, {"x": 4})
    assert "UNTIL" in rules["rrule"]["schedule"]["rrule"]
    (automation,) = api.call("GET", f"/automations/related-to/prefect.deployment.{first['id']}")
    assert automation["name"] == "first__automation_1"
    assert automation["actions"][0]["parameters"] == {"y": "{{ event.payload.name }}"}
    assert (second["description"], second["paused"], second["work_queue_name"]) == ("Another.", True, "fast")
    assert (second["enforce_parameter_schema"], second["pull_steps"], second["schedules"]) == (False, [], [])
    assert "s3cret-token" not in out
    assert out.count("run_shell_script") == 1  # both have the same steps
    assert "All deployments were applied." in out


def test_applying_again_changes_what_was_written(api: Api, project: Project) -> None:
    """Without schedules in the file those of the API stay; with an empty list they go. Names may hold stars."""
    text = "deployments:\n  - name: again\n    entrypoint: flows.py:adding\n    work_pool: {name: procs}\n"
    project.write(f"{text}    schedules: [{{interval: 60}}]\n")
    project.done("deploy", "-n", "adding/ag*")
    project.write(f"{text}    tags: [new]\n")
    project.done("deploy")
    found = held(api, "adding/again")
    assert (found["tags"], len(found["schedules"])) == (["new"], 1)
    project.write(f"{text}    schedules: []\n", "flowhand.yaml")
    project.done("deploy")
    assert held(api, "adding/again")["schedules"] == []


def test_a_flow_is_deployed_by_options_alone(api: Api, project: Project) -> None:
    """No file, nothing asked: what Prefect's options are called and what they do."""
    (project.folder / "triggers.yaml").write_text("triggers:\n  - expect: [a]\n    name: named\n")
    words = "-n opt --pool procs -q slow -d About --version v1 -t a -t b -cl 3 --collision-strategy CANCEL_NEW --interval 60 --cron @daily"
    words += " --anchor-date 2026-01-01T00:00:00Z --timezone Asia/Tokyo --param x=4 --param y=text --trigger triggers.yaml"
    words += ' --job-variable working_dir=/tmp --job-variable {"env":{"A":"b"}} --no-enforce-parameter-schema'
    project.done("deploy", "./flows.py:adding", *words.split())
    found = held(api, "adding/opt")
    assert (found["description"], found["version"], found["tags"], found["work_queue_name"]) == ("About", "v1", ["a", "b"], "slow")
    assert (found["parameters"], found["enforce_parameter_schema"]) == ({"x": 4, "y": "text"}, False)
    assert found["job_variables"] == {"working_dir": "/tmp", "env": {"A": "b"}}
    assert {one["schedule"]["timezone"] for one in found["schedules"]} == {"Asia/Tokyo"}
    assert found["pull_steps"][0]["prefect.deployments.steps.set_working_directory"]["directory"] == str(project.folder)
    assert [one["name"] for one in api.call("GET", f"/automations/related-to/prefect.deployment.{found['id']}")] == ["named"]


def test_options_over_a_file(api: Api, project: Project) -> None:
    """They win over what the file says; the only deployment of a file serves for another name; the default pool fills in."""
    project.write("deployments:\n  - {name: one, entrypoint: 'flows.py:adding', description: old, parameters: {x: 1, y: b}}\n")
    project.environ["FLOWHAND_DEFAULT_WORK_POOL"] = "procs"
    out = project.done("deploy", "-n", "two", "-d", "new", "--params", '{"x": 2}')
    found = held(api, "adding/two")
    assert (found["description"], found["parameters"], names(api)) == ("new", {"x": 2, "y": "b"}, ["two"])
    assert "has no deployment 'two'; its only one, 'one', is deployed under that name" in out


def test_a_run_of_what_was_deployed_completes(api: Api, project: Project, server: RunningServer) -> None:
    """A worker takes the run, goes where the pull step says and executes the flow."""
    project.done("deploy", "flows.py:adding", "-n", "executed", "--pool", "procs")
    run = api.run(held(api, "adding/executed")["id"], parameters={"x": 2})
    with running_worker(server, home=project.folder / "worker", pool="procs"):
        assert api.ended(run)["state_name"] == "Completed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("flows.py:adding", "the deployment has no name"),
        ("flows.py:adding -n x", "a work pool is needed: give --pool"),
        ("-n x --pool procs", "an entrypoint is needed: flowhand deploy path/to/file.py:my_flow"),
        ("flows.py:nope -n x --pool procs", "nope"),
        ("flows.py:adding -n x --pool nowhere", "there is no work pool 'nowhere'; make it with `flowhand work-pool create"),
        ("--all", "there are no deployments in this folder; `flowhand init`"),
        ("--all -n x", "--all and --name were both given"),
        ("--prefect-file no.yaml", "no.yaml cannot be read: No such file"),
        ("flows.py:adding -n x --param a=1 --params {}", "--param and --params were both given"),
        ("flows.py:adding -n x --pool procs --cron never", "never"),
        ("flows.py:adding -n x --pool procs --trigger no.yaml", "--trigger no.yaml: "),
    ],
)
def test_what_cannot_be_deployed_is_told(api: Api, project: Project, words: str, said: str) -> None:
    """In CI nothing is asked: exit code 2 and one line that says what to give."""
    assert said in project.refused("deploy", *words.split())
    assert names(api) == []


def test_nothing_is_applied_when_one_is_wrong(api: Api, project: Project) -> None:
    """All are checked before the first step is carried out: the mistake is told with its line."""
    text = FILE.replace("entrypoint: flows.py:other", "entrypoint: flows.py:missing").replace("echo abc123", "touch built")
    project.write(text)
    said = project.refused("deploy", "--all")
    line = text[: text.index("entrypoint: flows.py:missing")].count("\n") + 1
    assert said.startswith(f"error: prefect.yaml:{line}: ")
    assert names(api) == []
    assert not (project.folder / "built").exists()


ONE = """\
deployments:
  - name: one
    entrypoint: flows.py:adding
    schedules:
      - rrule: FREQ=DAILY;COUNT=3
    work_pool:
      name: procs
"""


def test_an_image_that_no_run_would_see_is_refused(api: Api, project: Project) -> None:
    """With its line, before anything is done."""
    project.write(ONE + "      job_variables: {image: 'a:1'}\n")
    said = project.refused("deploy", "--all")
    assert said.startswith("error: prefect.yaml:8: work pool 'procs' (type process) has no variable 'image'")
    assert names(api) == []


def test_a_rule_with_count_is_taken_with_a_warning(api: Api, project: Project) -> None:
    """One line, with the file's; the server has the rule."""
    project.write(ONE)
    ended = project.run("deploy", "--all")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("prefect.yaml:5: rrule 'FREQ=DAILY;COUNT=3' has a COUNT") == 1
    assert "COUNT=3" in held(api, "adding/one")["schedules"][0]["schedule"]["rrule"]


def test_what_fails_later_is_told_with_what_was_applied(api: Api, project: Project) -> None:
    """A build step that fails, a deployment that the server refuses: a table says which part was applied."""
    project.write(
        """
        deployments:
          - {name: good, entrypoint: "flows.py:adding", work_pool: {name: procs}}
          - name: broken
            entrypoint: flows.py:other
            work_pool: {name: procs}
            build:
              - run_shell_script: {script: "ls /not/there"}
          - name: refused
            entrypoint: flows.py:adding
            work_pool: {name: strict, job_variables: {stream_output: perhaps}}
        """
    )
    ended = project.run("deploy", "--all")
    assert ended.code == 1
    assert "2 of 3 deployments were not applied" in ended.err
    assert "build step 1, run_shell_script, failed: ls exited with status 2" in " ".join(ended.out.split())
    assert "'perhaps'" in ended.out
    assert names(api) == ["good"]
    assert "it was not applied" in project.refused("deploy", "-n", "broken", code=1)


def test_templates_that_nothing_fills_in(api: Api, project: Project) -> None:
    """A variable that is not there is refused with its line; an output that no step has is left out, and told."""
    text = "deployments:\n  - name: left\n    entrypoint: flows.py:adding\n    tags: [a, '{{ gone }}']\n    work_pool: {name: procs}\n"
    project.write(text)
    assert "my left" not in (out := project.done("deploy"))
    assert "nothing has filled in gone" in out
    assert held(api, "adding/left")["tags"] == ["a"]
    for template, said in {
        "$NOT_SET": "NOT_SET is not set",
        "prefect.variables.nope": "variable 'nope'",
        "prefect.blocks.secret.no": "secret/no",
    }.items():
        project.write(text.replace("gone", template))
        said_now = project.refused("deploy")
        assert said_now.startswith("error: prefect.yaml:4: tags: "), said_now
        assert said in said_now


def test_on_a_terminal_what_is_missing_is_asked_for(api: Api, project: Project) -> None:
    """Flow, name, pool and schedule; the answers are written into a project file, by which it is deployed again."""
    terminal = Terminal("deploy", env=project.environ, cwd=project.folder)
    try:
        for question, answer in (
            ("Which flow?", "1"),
            ("Name of the deployment", "asked"),
            ("Which work pool?", ""),
            ("When should it run?", "2"),
            ("Seconds", "60"),
            ("Write this deployment", "y"),
        ):
            terminal.wait_for(question)
            terminal.type(answer)
        assert terminal.end() == 0, terminal.seen
    finally:
        terminal.kill()
    assert held(api, "adding/asked")["schedules"][0]["schedule"]["interval"] == 60.0
    assert "deploy it again with: flowhand deploy --name asked" in terminal.seen
    project.done("deploy", "--name", "asked")


def test_init_begins_a_project_that_deploys(api: Api, project: Project) -> None:
    """The file is there once, fits the folder, and needs no more than entrypoint and pool."""
    assert "Wrote" in project.done("init", "--name", "mine")
    path = project.folder / "flowhand.yaml"
    text = path.read_text()
    assert f'directory: "{project.folder}"' in text
    assert "nothing was written" in project.done("init")
    path.write_text(text.replace("entrypoint: null", "entrypoint: flows.py:adding").replace("name: null", "name: procs"))
    project.done("deploy")
    steps = held(api, "adding/default")["pull_steps"]
    assert steps == [{"flowhand.deployments.steps.set_working_directory": {"directory": str(project.folder)}}]
