"""The embedded server: found or started when no API is configured, one for all, back again when it is killed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest
from anyio import to_thread

from flowhand.backends.native import NativeBackend
from flowhand.client import flows
from flowhand.client.connect import open_sync
from flowhand.client.embedded import ensure_api
from flowhand.client.published import published_server
from flowhand.client.stopping import stop_server
from flowhand.errors import ServerUnusable
from flowhand.settings import Settings
from flowhand.wire.runner import SessionRequest
from support.cli import environment, flowhand


@pytest.fixture
def home() -> Generator[Path, None, None]:
    """A fresh home with a short path; whatever server runs there at the end is ended."""
    path = Path(f"/tmp/fh-{os.getpid()}-{time.monotonic_ns()}")
    yield path
    for process in servers(path):
        process.kill()
        process.wait()
    shutil.rmtree(path, ignore_errors=True)


def servers(home: Path) -> list[psutil.Process]:
    """The server processes of a home."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if "flowhand_server" in words and str(home) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def pid_of(home: Path) -> int:
    published = published_server(home)
    assert published is not None
    return published.pid


def test_it_is_started_when_it_is_needed_and_found_when_it_runs(home: Path) -> None:
    """The first client starts it, the second finds the same; it wants the token of a file that its owner alone can read."""
    settings = Settings(home=home)
    first = ensure_api(settings)
    assert ensure_api(settings) == first
    assert len(servers(home)) == 1
    assert (home / "server" / "token").stat().st_mode & 0o777 == 0o600
    with open_sync(settings) as client:
        assert client.send(flows.create("a"))["name"] == "a"


def test_nobody_without_the_token_is_let_in(home: Path) -> None:
    """On a shared host an open port would be anybody's."""
    url = ensure_api(Settings(home=home)).url
    ended = flowhand("flow", "ls", env=environment(home / "another", url))
    assert ended.code == 2
    assert "credentials" in ended.err


def test_many_at_once_start_one(home: Path) -> None:
    """Six processes that need it at the same moment share one server."""
    code = "import sys; from pathlib import Path; from flowhand.client.embedded import ensure_api; from flowhand.settings import Settings\n"
    code += "print(ensure_api(Settings(home=Path(sys.argv[1]))).url)"
    clients = [subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    urls = {client.communicate(timeout=60)[0].strip() for client in clients}
    assert len(urls) == 1
    assert len(servers(home)) == 1
    assert all(client.returncode == 0 for client in clients)


def test_it_outlives_the_process_that_started_it(home: Path) -> None:
    """It is no child of a terminal: another session, another working folder, nothing of ours held open."""
    assert flowhand("flow", "ls", env=environment(home)).code == 0
    (server,) = servers(home)
    assert os.getsid(server.pid) == server.pid
    assert server.cwd() == "/"
    assert server.ppid() != os.getpid()


def test_a_killed_server_is_back_at_its_port_for_the_next_call(home: Path) -> None:
    """The call that meets a refused connection starts a new one and is repeated there."""
    settings = Settings(home=home)
    with open_sync(settings) as client:
        client.send(flows.create("a"))
        url, pid = client.address.url, pid_of(home)
        server = psutil.Process(pid)
        server.kill()
        server.wait(10)
        assert client.send(flows.create("a"))["name"] == "a"
        assert client.address.url == url
    assert pid_of(home) != pid


def test_a_port_that_was_taken_meanwhile_is_let_be(home: Path) -> None:
    """When somebody else listens at its old port, it takes another one; clients find it there."""
    settings = Settings(home=home)
    with open_sync(settings) as client:
        port = int(client.address.url.removesuffix("/api").rpartition(":")[2])
        stop_server(published_server(home))  # type: ignore[arg-type]
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", port))
            taken.listen()
            assert ensure_api(settings).url != client.address.url


def test_it_leaves_when_nobody_needs_it(home: Path) -> None:
    """Without sessions and requests it ends by itself after the declared time."""
    ensure_api(Settings(home=home, server_idle_exit=1.0))
    (server,) = servers(home)
    server.wait(20)


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    """A home below a file: the line says what cannot be made and what to set."""
    (tmp_path / "file").touch()
    ended = flowhand("flow", "ls", env=environment(tmp_path / "file" / "home"))
    assert ended.code == 3
    assert str(tmp_path / "file" / "home") in ended.err
    assert "FLOWHAND_HOME" in ended.err
    assert "Traceback" not in ended.err


def test_a_home_that_cannot_be_written() -> None:
    """A file system that takes nothing."""
    with pytest.raises(ServerUnusable, match="FLOWHAND_HOME"):
        ensure_api(Settings(home=Path("/sys/flowhand-home")))


def test_a_corrupt_database(home: Path) -> None:
    """What the server says about its database reaches the person who needed it, and the file is left as it is."""
    database = home / "server" / "flowhand.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database at all " * 1000)
    ended = flowhand("flow", "ls", env=environment(home))
    assert ended.code == 3
    assert "flowhand.db" in ended.err
    assert "Traceback" not in ended.err
    assert database.read_bytes().startswith(b"no database")


def test_a_server_that_does_not_answer(home: Path) -> None:
    """A stopped server keeps its lock: the line names it and says how to end it, and no second one runs."""
    settings = Settings(home=home)
    ensure_api(settings)
    (server,) = servers(home)
    server.suspend()
    try:
        with pytest.raises(ServerUnusable, match=rf"pid {server.pid}.*does not answer"):
            ensure_api(settings, start_s=1.0)
        assert len(servers(home)) == 1
    finally:
        server.resume()


def test_a_torn_publication_is_replaced(home: Path) -> None:
    """A server.json that says nothing does not keep a server from being started."""
    (home / "server").mkdir(parents=True)
    (home / "server" / "server.json").write_text("{")
    ensure_api(Settings(home=home))
    assert json.loads((home / "server" / "server.json").read_text())["pid"] == pid_of(home)


def call_it_older(home: Path) -> None:
    """Has the running server pass for one of an older version."""
    path = home / "server" / "server.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, "version": "0.0.1"}))


def test_an_older_server_that_nobody_uses_makes_room(home: Path) -> None:
    """After an upgrade the first client that needs the server gets one of its own version."""
    settings = Settings(home=home)
    ensure_api(settings)
    old = pid_of(home)
    call_it_older(home)
    ensure_api(settings)
    assert pid_of(home) != old
    assert [process.pid for process in servers(home)] == [pid_of(home)]


@pytest.mark.anyio
async def test_an_older_server_in_use_stays(home: Path) -> None:
    """As long as somebody has a session with it, it is used as it is."""
    settings = Settings(home=home)
    backend = await NativeBackend.open(settings)
    session = await backend.open_session(SessionRequest(kind="adhoc", name="in use"))
    old = pid_of(home)
    call_it_older(home)
    await to_thread.run_sync(ensure_api, settings)
    assert pid_of(home) == old
    await backend.close_session(session.session)
    await backend.close()
