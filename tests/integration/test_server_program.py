"""The server as a program: what it refuses to start with, whom it lets in, how it leaves. A real process each time."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from flowhand_server.program import main
from support.forked import Forked
from support.runner_api import Api
from support.server import RunningServer, running_server, start_server


def refused(home: Path, *arguments: str, **environ: str) -> tuple[int, str]:
    """The exit status of a server that does not come up, and what it said."""
    said = home.with_name(f"{home.name}-said")
    words = ["--home", str(home), *arguments]
    ended = Forked(partial(main, words), env={"PATH": "/usr/bin:/bin", **environ}, out=Path(os.devnull), err=said)
    return ended.wait(60), said.read_text().strip()


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """With what to do about it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = refused(tmp_path, "--port", str(port))
    assert (status, said.splitlines()) == (1, [said])
    assert f"port {port} on 127.0.0.1 is in use" in said


def test_the_program_that_users_start_ends_as_its_function_does(tmp_path: Path) -> None:
    """With the same status, and one line for it: what the others here see of the function holds for the program."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-P", "-m", "flowhand_server", "--home", str(tmp_path), "--port", str(taken.getsockname()[1])]
        ended = subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, len(ended.stderr.splitlines()), "is in use" in ended.stderr) == (1, 1, True), ended


def test_a_second_server_of_one_home_is_refused(tmp_path: Path) -> None:
    """With a status of its own, and who the first is."""
    with running_server(tmp_path) as first:
        status, said = refused(tmp_path, "--port", "0")
    assert status == 75
    assert f"pid {first.process.pid}" in said


def test_a_corrupt_database_is_told(tmp_path: Path) -> None:
    """And left as it is."""
    (tmp_path / "server").mkdir()
    database = tmp_path / "server" / "flowhand.db"
    database.write_bytes(b"this is no database" * 1000)
    status, said = refused(tmp_path, "--port", "0")
    assert (status, said.splitlines()) == (2, [said])
    assert f"{database}: the file is not a database" in said
    assert database.read_bytes().startswith(b"this is no database")


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """Made by a version that this one does not know."""
    start_server(tmp_path).kill()
    with sqlite3.connect(tmp_path / "server" / "flowhand.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    status, said = refused(tmp_path, "--port", "0")
    assert status == 2
    assert "newer version" in said


def test_a_home_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """Here a file is in the way."""
    (tmp_path / "home").write_text("")
    status, said = refused(tmp_path / "home", "--port", "0")
    assert status == 2
    assert "set FLOWHAND_HOME to a folder that can" in said


def test_a_wrong_database_url_is_told(tmp_path: Path) -> None:
    """Without the password in it."""
    status, said = refused(tmp_path, "--port", "0", FLOWHAND_SERVER_DATABASE_URL="postgresql://me:secret@127.0.0.1:1/none")
    assert status == 2
    assert "cannot be opened" in said
    assert "secret" not in said


def test_beyond_the_loopback_it_wants_authentication(tmp_path: Path) -> None:
    """Or to be told that it does not."""
    status, said = refused(tmp_path, "--host", "0.0.0.0", "--port", "0")
    assert status == 2
    assert "--allow-unauthenticated" in said
    with running_server(tmp_path, "--host", "0.0.0.0", "--allow-unauthenticated") as server:
        assert httpx.get(f"{server.url}/flows/filter", trust_env=False).status_code == 405


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("embedded"), embedded=True) as server:
        yield server


def test_the_embedded_server_wants_its_token(embedded: RunningServer) -> None:
    """Which only the owner of the home can read; whether it lives, everybody may ask."""
    assert httpx.get(f"{embedded.url}/health", trust_env=False).json() is True
    assert httpx.get(f"{embedded.url}/version", trust_env=False).status_code == 401
    assert httpx.get(f"{embedded.url}/version", headers={"Authorization": "Bearer guess"}, trust_env=False).status_code == 401
    assert httpx.get(f"{embedded.url}/version", headers=embedded.headers, trust_env=False).status_code == 200
    directory = embedded.home / "server"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE((directory / name).stat().st_mode) for name in ("token", "server.json", "flowhand.db")} == {0o600}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:4200"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Origin": "http://127.0.0.1:4200"}, 200),
    ],
)
def test_other_web_pages_are_kept_out(embedded: RunningServer, headers: dict[str, str], status: int) -> None:
    """A name that points at the loopback, or a page from elsewhere."""
    answer = httpx.get(f"{embedded.url}/version", headers={**embedded.headers, **headers}, trust_env=False)
    assert answer.status_code == status


def test_requests_are_bounded(embedded: RunningServer) -> None:
    """Whether they say their length or not."""
    headers = {**embedded.headers, "Content-Type": "application/json"}
    told = httpx.post(f"{embedded.url}/logs/", content=b" " * 9_000_000, headers=headers, trust_env=False)
    assert told.status_code == 413
    chunks = (b" " * 1_000_000 for _ in range(9))
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{embedded.url}/logs/", content=chunks, headers=headers, trust_env=False).raise_for_status()
    assert httpx.get(f"{embedded.url}/health", trust_env=False).json() is True


def test_basic_authentication(tmp_path: Path) -> None:
    """As Prefect's clients send it."""
    with running_server(tmp_path, environ={"FLOWHAND_SERVER_AUTH_STRING": "me:secret"}) as server:
        assert httpx.get(f"{server.url}/version", trust_env=False).json() == {"exception_message": "Unauthorized"}
        assert httpx.get(f"{server.url}/version", auth=("me", "wrong"), trust_env=False).status_code == 401
        assert httpx.get(f"{server.url}/version", auth=("me", "secret"), trust_env=False).status_code == 200


def test_an_embedded_server_keeps_its_port_and_leaves_when_nobody_needs_it(tmp_path: Path) -> None:
    """Status 0 both times; what it published stays true over a restart."""
    first = start_server(tmp_path, embedded=True)
    assert first.stop() == 0
    again = start_server(tmp_path, embedded=True, environ={"FLOWHAND_SERVER_IDLE_EXIT": "1"})
    assert (again.url, again.token) == (first.url, first.token)
    assert json.loads((tmp_path / "server" / "server.json").read_text())["embedded"] is True
    assert again.process.wait(20) == 0
    assert "nobody has needed this server" in again.log


def test_a_session_keeps_an_embedded_server_there(tmp_path: Path) -> None:
    """Until it is closed."""
    server = start_server(tmp_path, embedded=True, environ={"FLOWHAND_SERVER_IDLE_EXIT": "1"})
    try:
        api = Api(server)
        worker = api.session(api.pool(), heartbeat_s=10)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(4)
        worker.post("close")
        assert server.process.wait(20) == 0
    finally:
        server.kill()
