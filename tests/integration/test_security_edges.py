"""The edges of the server: forged requests, failed attempts, sizes, names it may be addressed by, TLS. A real server each."""

from __future__ import annotations

import json
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count, islice, repeat
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from flowhand_server.access.failures import BURST
from flowhand_server.access.head import MAX_HEAD, MAX_HEADERS
from flowhand_server.access.size import MAX_BODY
from support.certificates import Certificate, make_certificate
from support.cli import environment, flowhand
from support.rest import Rest
from support.server import RunningServer, running_server

AUTH = "me:secret"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One that wants a password, and takes the word of a proxy on this machine."""
    environ = {"FLOWHAND_SERVER_AUTH_STRING": AUTH, "FLOWHAND_SERVER_TRUSTED_PROXIES": "127.0.0.1"}
    with running_server(tmp_path_factory.mktemp("guarded"), environ=environ) as server:
        yield server


def attempt(server: RunningServer, address: str, auth: str | None = "me:wrong") -> httpx.Response:
    """A request that the proxy hands on from `address`."""
    given = httpx.BasicAuth(*auth.split(":")) if auth else None
    return httpx.get(f"{server.url}/version", auth=given, headers={"X-Forwarded-For": address}, trust_env=False)


def guess(server: RunningServer, addresses: Iterable[str]) -> httpx.Response:
    """Wrong passwords, one an address, until one is not even looked at: after a burst, and a few more where a slow machine gives time to
    forget some. The last answer.
    """
    answers: list[httpx.Response] = []
    for address in islice(addresses, 2 * BURST):
        answers.append(attempt(server, address))
        if answers[-1].status_code != 401:
            break
    assert len(answers) > BURST
    return answers[-1]


def test_guessing_is_slowed_down(guarded: RunningServer) -> None:
    """After a burst of wrong passwords the right one is not heard either, from that address; the wait that is told is honest."""
    guess(guarded, repeat("198.51.100.1"))
    blocked = attempt(guarded, "198.51.100.1", AUTH)
    assert blocked.status_code == 429
    wait = int(blocked.headers["retry-after"])
    assert 1 <= wait <= 3
    assert attempt(guarded, "198.51.100.2", AUTH).status_code == 200
    time.sleep(wait)  # the wait itself is under test
    assert attempt(guarded, "198.51.100.1", AUTH).status_code == 200
    blocks = [line for line in guarded.log.splitlines() if '"blocked"' in line]
    assert any("198.51.100.1" in line for line in blocks)
    assert "wrong" not in guarded.log


def test_a_request_without_credentials_is_no_guess(guarded: RunningServer) -> None:
    """A client that was given none asks again and again."""
    assert {attempt(guarded, "198.51.100.3", None).status_code for _ in range(BURST + 5)} == {401}
    assert attempt(guarded, "198.51.100.3", AUTH).status_code == 200


def test_a_key_is_heard_from_a_blocked_address(guarded: RunningServer) -> None:
    """It cannot be guessed; and who shares an address with a mistaken client is not locked out."""
    made = flowhand("server", "key", "create", "k", "--scope", "read", "-o", "json", env=environment(guarded.home))
    headers = {"X-Forwarded-For": "198.51.100.4", "Authorization": f"Bearer {made.json['key']}"}
    user = Rest(guarded.url, headers=headers, trust_env=False)
    assert guess(guarded, repeat("198.51.100.4")).status_code == 429
    user.until(lambda: user.get("/version").status_code == 200, "the key is known", 5)


def test_no_proxy_is_believed_unasked(tmp_path: Path) -> None:
    """Else whoever guesses would come from another address each time."""
    with running_server(tmp_path, environ={"FLOWHAND_SERVER_AUTH_STRING": AUTH}) as server:
        assert guess(server, (f"198.51.100.{n}" for n in count())).status_code == 429


def test_a_body_in_chunks_is_cut_off(guarded: RunningServer) -> None:
    """413, whichever part of the server would have read it."""
    for path in ("/logs/", "/runner/session"):
        chunks = (b" " * 1_000_000 for _ in range(MAX_BODY // 1_000_000 + 1))
        answer = httpx.post(f"{guarded.url}{path}", content=chunks, auth=httpx.BasicAuth("me", "secret"), trust_env=False)
        assert answer.status_code == 413, path
    assert attempt(guarded, "198.51.100.9", AUTH).status_code == 200


def test_a_message_of_a_websocket_is_bounded(guarded: RunningServer) -> None:
    """1009, before it is read into memory."""
    with connect(guarded.url.replace("http://", "ws://") + "/events/in", subprotocols=["prefect"]) as socket:
        socket.send(json.dumps({"type": "auth", "token": AUTH}))
        assert json.loads(socket.recv(10)) == {"type": "auth_success"}
        with suppress(ConnectionClosed):  # the server may have closed before all is sent
            socket.send("x" * (MAX_BODY + 1))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_csrf_tokens_as_the_contract_has_them(tmp_path: Path) -> None:
    """Before authentication, for all that changes, bound to one client (contract 1.1)."""
    environ = {"PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true", "FLOWHAND_SERVER_AUTH_STRING": AUTH}
    with running_server(tmp_path, environ=environ) as server:
        me = httpx.Client(base_url=server.url, auth=httpx.BasicAuth("me", "secret"), trust_env=False)
        nobody = httpx.post(f"{server.url}/flows/filter", json={}, trust_env=False)
        assert (nobody.status_code, nobody.json()) == (403, {"detail": "Missing CSRF token."})
        assert httpx.get(f"{server.url}/csrf-token", params={"client": "c"}, trust_env=False).status_code == 401
        token = me.get("/csrf-token", params={"client": "c-1"}).json()
        assert set(token) == {"id", "created", "updated", "token", "client", "expiration"}
        headers = {"Prefect-Csrf-Token": token["token"], "Prefect-Csrf-Client": "c-1"}
        assert me.post("/flows/filter", json={}, headers=headers).status_code == 200
        for wrong in ({"Prefect-Csrf-Client": "c-2"}, {"Prefect-Csrf-Token": "0.0"}, {"Prefect-Csrf-Token": "x"}):
            answer = me.post("/flows/filter", json={}, headers=headers | wrong)
            assert (answer.status_code, answer.json()) == (403, {"detail": "Invalid CSRF token or client identifier."}), wrong
        assert me.get("/version").status_code == 200


def test_our_own_client_has_csrf_tokens(tmp_path: Path) -> None:
    """A command that changes something fetches one."""
    with running_server(tmp_path, environ={"FLOWHAND_SERVER_CSRF_PROTECTION": "yes"}) as server:
        ended = flowhand("work-pool", "create", "p", env=environment(tmp_path, server.url))
        assert ended.code == 0, ended.err


def test_names_that_were_allowed(tmp_path: Path) -> None:
    """Behind a proxy on this machine a loopback server has another name."""
    with running_server(tmp_path, environ={"FLOWHAND_SERVER_ALLOWED_HOSTS": "flows.example, other.example"}) as server:
        for host, status in (("flows.example", 200), ("other.example:443", 200), ("127.0.0.1", 200), ("evil.example", 421)):
            assert httpx.get(f"{server.url}/version", headers={"Host": host}, trust_env=False).status_code == status


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def test_tls(tmp_path: Path, certificate: Certificate) -> None:
    """HTTPS and secure websockets; our client trusts the authority that it is told of, and no other."""
    with running_server(tmp_path, "--tls-cert", str(certificate.cert), "--tls-key", str(certificate.key)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(certificate.cert))
        assert httpx.get(f"{server.url}/health", verify=context, trust_env=False).json() is True
        with connect(server.url.replace("https://", "wss://") + "/events/out", subprotocols=["prefect"], ssl=context) as socket:
            socket.send(json.dumps({"type": "auth", "token": None}))
            assert json.loads(socket.recv(10)) == {"type": "auth_success"}
        trusting = environment(tmp_path, server.url, FLOWHAND_API_TLS_CA=str(certificate.cert))
        assert flowhand("work-pool", "ls", env=trusting).code == 0
        refused = flowhand("work-pool", "ls", env=environment(tmp_path, server.url))
        assert refused.code == 3
        assert "certificate" in refused.err.lower()


def test_tls_files_that_do_not_fit_are_told(tmp_path: Path, certificate: Certificate) -> None:
    """In one line, before anything listens."""
    env = environment(tmp_path)
    alone = flowhand("server", "start", "--port", "0", "--tls-key", str(certificate.key), env=env)
    assert (alone.code, "needs its certificate" in alone.err) == (2, True)
    wrong = flowhand("server", "start", "--port", "0", "--tls-cert", str(certificate.key), env=env)
    assert wrong.code == 2
    assert wrong.err.startswith("flowhand server: TLS with certificate"), wrong.err


def _answered(server: RunningServer, *parts: bytes) -> bytes:
    """What a connection is told that sends these parts, until it is closed or says no more."""
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        with suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
        with suppress(ConnectionError):
            return connection.recv(65_536)
    return b""


START = b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKED = b"POST /api/flows/filter HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
TRAILER = b"X-A: " + b"a" * 1000 + b"\r\n"
KEYED = CHUNKED + b"Authorization: Basic " + b64encode(AUTH.encode()) + b"\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n"
UPGRADE = b"GET /api/events/out HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((START, b"X-A: b\r\n" * (MAX_HEADERS - 1), b"\r\n"), 200),
        ((START, b"X-A: b\r\n" * MAX_HEADERS, b"\r\n"), 431),
        ((START, b"X-A: " + b"a" * (MAX_HEAD - 200) + b"\r\n\r\n"), 200),
        ((START, b"X-A: " + b"a" * MAX_HEAD + b"\r\n\r\n"), 431),
        ((START, b"X-A: ", *[b"a" * 50_000] * 3), 431),
        ((b"GET /api/health?" + b"a" * MAX_HEAD + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",), 431),
        ((UPGRADE, b"X-A: b\r\n" * MAX_HEADERS, b"\r\n"), 431),
        ((b"POST /api/flows/filter HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90000\r\n\r\n", b"{" + b" " * 89_998 + b"}"), 401),
        ((KEYED, TRAILER * 60, b"\r\n"), 200),
        ((KEYED, TRAILER * 70), 431),
    ],
    ids=[
        "as many as may be",
        "too many",
        "as long as may be",
        "too long",
        "without an end",
        "address",
        "websocket",
        "a body is no head",
        "trailers",
        "too long trailers",
    ],
)
def test_heads_are_bounded(guarded: RunningServer, parts: tuple[bytes, ...], status: int) -> None:
    """431 for more headers, or more bytes of them, than any client has a use for."""
    assert _answered(guarded, *parts).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("trailer", [TRAILER, b"a" * 1000], ids=["many", "one without an end"])
def test_trailers_without_a_key_are_bounded(guarded: RunningServer, trailer: bytes) -> None:
    """Whoever goes on sending them is cut off; what came is not kept."""
    url = httpx.URL(guarded.url)
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(CHUNKED + b"\r\n0\r\nX-B: b\r\nX-C: ")
        with pytest.raises(ConnectionError):
            connection.sendall(trailer * 20_000)
