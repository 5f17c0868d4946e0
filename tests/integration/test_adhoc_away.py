"""Called flows without an API, and with one that is away. A flow's result never depends on it."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from support.runner_api import Api
from support.scripts import run_script, script
from support.server import running_server

HEAVY = "httpx pydantic asyncio anyio orjson"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def names(api: Api) -> dict[str, str]:
    return {run["name"]: run["state_name"] for run in api.call("POST", "/flow_runs/filter", {})}


def test_without_an_api_none_is_started_and_nothing_heavy_is_loaded(tmp_path: Path) -> None:
    code = f"""
        @flow
        def alone(): return 1
        print(alone(), sorted(set("{HEAVY}".split()) & set(sys.modules) - {{"asyncio"}}))
    """
    assert run_script(tmp_path, code)[0] == "1 []\n"
    assert not (tmp_path / "home").exists()


def test_the_server_of_the_home_is_told_while_it_runs(tmp_path: Path) -> None:
    """The embedded one, with its token; once it is gone flows run without."""
    code = """
        @flow(flow_run_name="{name}")
        def told(name): return name
        print(told("first"), flush=True)
        sys.stdin.readline()
        print(told("second"))
    """
    with running_server(tmp_path / "home", embedded=True) as server, script(tmp_path, code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        assert names(Api(server)) == {"first": "Completed"}
        server.stop()
        out, err = process.communicate("go on\n", timeout=60)
    assert (out, process.returncode) == ("second\n", 0), err


def test_an_api_that_never_comes_costs_a_warning(tmp_path: Path) -> None:
    """One, however many flows are called; and at the end one that says what it does not know."""
    code = """
        @flow(flow_run_name="run-{n}")
        def lonely(n): return n
        print([lonely(n) for n in range(3)])
    """
    began = time.monotonic()
    out, err = run_script(tmp_path, code, FLOWHAND_API_URL=f"http://127.0.0.1:{free_port()}/api")
    assert out == "[0, 1, 2]\n"
    assert err.count("Flows run on without the API") == 1
    assert err.count("it does not know how 3 run(s) ended ('run-0', 'run-1', 'run-2')") == 1
    assert time.monotonic() - began < 30


def test_what_was_told_while_the_api_was_away_is_delivered(tmp_path: Path) -> None:
    """States and log lines of flows that ended before it came, and of one that it came back to."""
    port = free_port()
    code = """
        @flow(flow_run_name="{name}", log_prints=True)
        def told(name):
            print(f"line of {name}")
            if name == "during": print("ready", flush=True, file=sys.stderr); sys.stdin.readline()
            return name
        told("before"); told("during")
    """
    with script(tmp_path, code, FLOWHAND_API_URL=f"http://127.0.0.1:{port}/api") as process:
        assert process.stderr is not None
        while process.stderr.readline() != "ready\n":
            pass
        with running_server(tmp_path / "server", "--port", str(port)) as server:
            _, err = process.communicate("go on\n", timeout=60)
            api = Api(server)
            assert names(api) == {"before": "Completed", "during": "Completed"}, err
            said = [line["message"] for line in api.call("POST", "/logs/filter", {})]
    assert {"line of before", "line of during"} <= set(said)


def test_a_server_that_is_killed_and_comes_back_misses_nothing(tmp_path: Path) -> None:
    """The session and the lease are still known there; the run ends as it ended."""
    port = free_port()
    code = """
        def next_act(): print("ready", flush=True); sys.stdin.readline()
        @flow(flow_run_name="survivor")
        def told():
            get_run_logger().info("first"); next_act(); get_run_logger().info("second")
        told(); next_act()
    """
    home = tmp_path / "server"
    with running_server(home, "--port", str(port)) as server, script(tmp_path, code, FLOWHAND_API_URL=server.url) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        server.kill()
        process.stdin.write("go on\n")
        process.stdin.flush()
        process.stdout.readline()
        with running_server(home, "--port", str(port)) as again:
            _, err = process.communicate("go on\n", timeout=60)
            api = Api(again)
            assert names(api) == {"survivor": "Completed"}, err
            said = [line["message"] for line in api.call("POST", "/logs/filter", {"sort": "TIMESTAMP_ASC"})]
    assert [line for line in said if line in ("first", "second")] == ["first", "second"]


@pytest.mark.parametrize("answer", ["401", "a page"])
def test_an_api_that_does_not_take_us_costs_a_warning(tmp_path: Path, answer: str) -> None:
    """Credentials that are missing, or something at the URL that is no API: the flow runs."""
    environ = {"FLOWHAND_SERVER_AUTH_STRING": "a:b"} if answer == "401" else {}
    code = """
        @flow
        def told(): return 1
        print([told(), told()])
    """
    with running_server(tmp_path / "server", environ=environ) as server:
        url = server.url if answer == "401" else server.url.removesuffix("/api") + "/nowhere"
        out, err = run_script(tmp_path, code, FLOWHAND_API_URL=url)
    assert out == "[1, 1]\n"
    assert err.count("the API is told nothing of them") == 1
