"""How commands fail: an exit code for scripts, one line for people, never a traceback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import COMMAND, Ended, environment, flowhand, flowhand_script
from support.scripted_api import Asked, Say, scripted_api


def check(ended: Ended, code: int, *words: str) -> None:
    """One line on stderr, of ours, with these words; nothing on stdout."""
    assert ended.code == code, ended
    assert ended.out == ""
    assert ended.err.count("\n") == 1, ended.err
    assert ended.err.startswith("error: ")
    for word in words:
        assert word in ended.err


def test_an_unreachable_api(tmp_path: Path) -> None:
    """Exit code 3, the URL, and what to do."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/api"
        check(flowhand("flow", "ls", env=environment(tmp_path, url)), 3, url, "flowhand server start", "FLOWHAND_API_URL")


@pytest.mark.parametrize(
    ("say", "code", "words"),
    [
        (Say(401, {"exception_message": "Unauthorized"}), 2, "FLOWHAND_API_KEY"),
        (Say(200, b"<html>", {"content-type": "text/html"}), 2, "it is not the API"),
        (Say(400, {"detail": "nonsense"}), 1, "nonsense"),
        (Say(500, {"exception_message": "broken"}), 3, "broken"),
    ],
)
def test_what_the_api_says(tmp_path: Path, say: Say, code: int, words: str) -> None:
    """Credentials and wrong addresses are configuration, refusals are failures, a broken server cannot be reached."""
    with scripted_api(lambda _: say) as api:
        check(flowhand("flow", "ls", env=environment(tmp_path, api.url)), code, words)


def test_a_url_without_api(tmp_path: Path) -> None:
    """The address that was probably meant is told."""
    with scripted_api(lambda _: Say(404, {"detail": "Not Found"})) as api:
        url = api.url.removesuffix("/api")
        check(flowhand("flow", "ls", env=environment(tmp_path, url)), 2, f"try {url}/api")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FLOWHAND_API_URL", "localhost:4200", "does not begin with http"),
        ("FLOWHAND_API_URl", "http://x/api", "did you mean FLOWHAND_API_URL?"),
        ("FLOWHAND_API_KEY", "two\nlines", "FLOWHAND_API_KEY"),
    ],
)
def test_wrong_settings(tmp_path: Path, name: str, value: str, words: str) -> None:
    """A setting that cannot be is named, with what was probably meant; a secret is not shown."""
    check(flowhand("flow", "ls", env={**environment(tmp_path, "http://127.0.0.1:1/api"), name: value}), 2, words)


def _known(asked: Asked) -> Say:
    """An API that knows one deployment `fast-flow/fast` and one pool `my-pool`."""
    flow = {"id": "f1", "name": "fast-flow"}
    schema = {"properties": {"sleep": {"type": "integer"}}}
    deployment = {"id": "d1", "name": "fast", "flow_id": "f1", "parameter_openapi_schema": schema}
    answers = {
        "/api/flows/filter": [flow],
        "/api/deployments/filter": [deployment],
        "/api/deployments/name/fast-flow/fast": deployment,
        "/api/work_pools/filter": [{"id": "p1", "name": "my-pool", "type": "process"}],
    }
    return Say(200, answers[asked.path]) if asked.path in answers else Say(404, {"detail": "There is none"})


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("deployment run fast-flow/fats", "did you mean 'fast-flow/fast'?"),
        ("deployment inspect FAST", "did you mean 'fast-flow/fast'?"),
        ("deployment pause x", "'fast-flow/fast'"),
        ("work-pool inspect my-pol", "did you mean 'my-pool'?"),
        ("work-queue ls -p my-poool", "did you mean 'my-pool'?"),
        ("flow-run inspect 0194c2a0-0000-7000-8000-000000000001", "flow run 0194c2a0-0000-7000-8000-000000000001 not found"),
    ],
)
def test_what_there_is_none_of(tmp_path: Path, command: str, words: str) -> None:
    """Exit code 4, and the name that was probably meant."""
    with scripted_api(_known) as api:
        check(flowhand(*command.split(), env=environment(tmp_path, api.url)), 4, words)


def test_an_unknown_parameter_makes_no_run(tmp_path: Path) -> None:
    """Exit code 2, the parameter that was probably meant, and nothing was created."""
    with scripted_api(_known) as api:
        check(flowhand("deployment", "run", "fast", "-p", "slep=1", env=environment(tmp_path, api.url)), 2, "did you mean 'sleep'?")
    assert not any(asked.path.endswith("create_flow_run") for asked in api.asked)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["deployment", "run"], "Missing argument"),
        (["deployment", "run", "x", "--in", "soon"], "not a duration"),
        (["deployment", "run", "x", "--at", "25:99"], "not a time"),
        (["deployment", "run", "x", "-p", "n3"], "key=value"),
        (["deployment", "run", "x", "--params", "[1]"], "not a JSON object"),
        (["deploymen", "ls"], "Did you mean 'deployment'"),
        (["deployment", "lss"], "Did you mean 'ls'?"),
    ],
)
def test_wrong_usage(tmp_path: Path, words: list[str], told: str) -> None:
    """Exit code 2 before anything is asked of an API."""
    ended = flowhand(*words, env=environment(tmp_path, "http://127.0.0.1:1/api"))
    assert ended.code == 2
    assert told in ended.err


def test_parameters_from_stdin(tmp_path: Path) -> None:
    """`--params -` reads the object from stdin, and single parameters go over it."""

    def script(asked: Asked) -> Say:
        if asked.path.endswith("create_flow_run"):
            return Say(201, {"id": "r1", "name": "run", "parameters": asked.body["parameters"]})
        return _known(asked)

    with scripted_api(script) as api:
        words = ["deployment", "run", "fast", "--params", "-", "-p", "sleep=2", "-o", "json"]
        ended = flowhand_script(*words, env=environment(tmp_path, api.url), stdin='{"sleep": 1}')
    assert ended.code == 0, ended.err
    assert ended.json["parameters"] == {"sleep": 2}


def test_a_traceback_is_shown_on_demand_only(tmp_path: Path) -> None:
    """`--debug` and the log level DEBUG show where an error comes from."""
    env = environment(tmp_path, "http://127.0.0.1:1/api")
    assert "Traceback" in flowhand("--debug", "flow", "ls", env=env).err
    assert "Traceback" in flowhand("flow", "ls", env={**env, "FLOWHAND_LOG_LEVEL": "DEBUG"}).err


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    """`flowhand flow ls | head -1` ends without a word on stderr."""
    rows = [{"id": f"{n:036}", "name": "x" * 50, "created": None} for n in range(200)]

    def script(asked: Asked) -> Say:
        return Say(200, rows if asked.body["offset"] < 2000 else [])

    with scripted_api(script) as api:
        line = f"{COMMAND} flow ls --limit 2000 | head -1"
        done = subprocess.run(["sh", "-c", line], env=environment(tmp_path, api.url), capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("NAME")
    assert done.stderr == ""


def test_help_loads_nothing_heavy() -> None:
    """`flowhand --help` and `flowhand version` load no HTTP client, no tables and no models."""
    code = """
import json, sys
from flowhand.cli.program import main
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} & {"httpx", "rich", "pydantic", "pendulum", "anyio", "orjson"})))
"""
    for word in ("--help", "version"):
        done = subprocess.run([sys.executable, "-c", code, word], capture_output=True, text=True, check=True, timeout=60)
        assert json.loads(done.stdout.splitlines()[-1]) == [], word
