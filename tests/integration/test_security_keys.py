"""API keys from end to end: made by the command, sent by clients, refused once revoked; on either kind of database."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from support.cli import environment, flowhand
from support.databases import new_database
from support.rest import Rest, fresh
from support.server import RunningServer, running_server


@dataclass
class Keyed:
    """A server that asks for keys, and the keys that open it, by scope."""

    server: RunningServer
    environ: dict[str, str]
    keys: dict[str, str]

    def user(self, scope: str) -> Rest:
        """Somebody who holds the key with that scope."""
        return Rest(self.server.url, headers=bearer(self.keys[scope]), trust_env=False)

    def cli(self, *words: str) -> Any:
        """What `flowhand server key …` answers."""
        ended = flowhand("server", "key", *words, "-o", "json", env=self.environ)
        assert ended.code == 0, ended.err
        return ended.json


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def keyed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    home, more = tmp_path_factory.mktemp("keyed"), dict[str, str]()
    if request.param == "postgresql":
        more["FLOWHAND_SERVER_DATABASE_URL"] = new_database(request.getfixturevalue("postgres_url"))
    environ = environment(home, **more)
    keys: dict[str, str] = {}
    for scope in ("read", "run", "deploy", "admin"):
        made = flowhand("server", "key", "create", scope, "--scope", scope, "-o", "json", env=environ)
        assert made.code == 0, made.err
        keys[scope] = made.json["key"]
    with running_server(home, "--host", "0.0.0.0", environ=more) as server:
        yield Keyed(server, environ, keys)


def test_a_database_with_keys_is_guarded(keyed: Keyed) -> None:
    """Beyond the loopback too; health stays open, and a wrong key is refused."""
    assert httpx.get(f"{keyed.server.url}/health", trust_env=False).json() is True
    assert httpx.get(f"{keyed.server.url}/version", trust_env=False).status_code == 401
    forged = keyed.keys["read"][:-1] + ("A" if keyed.keys["read"][-1] != "A" else "B")
    assert httpx.get(f"{keyed.server.url}/version", headers=bearer(forged), trust_env=False).status_code == 401
    assert keyed.user("read").get("/version").status_code == 200


def test_scopes_bound_what_a_key_may_do(keyed: Keyed) -> None:
    """Refused with 403 and the scope that it takes."""
    admin, read, run, deploy = (keyed.user(scope) for scope in ("admin", "read", "run", "deploy"))
    deployment = admin.deployment()
    assert read.post("/flow_runs/filter").status_code == 200
    refused = read.post(f"/deployments/{deployment['id']}/create_flow_run")
    assert (refused.status_code, refused.json()) == (403, {"detail": "key read has the scope read; this needs run"})
    flow_run = run.made(f"/deployments/{deployment['id']}/create_flow_run")
    assert run.set_state(flow_run, "RUNNING").status_code == 201
    assert run.http.delete(f"/deployments/{deployment['id']}").status_code == 403
    assert deploy.set_state(flow_run, "COMPLETED").status_code == 403
    assert deploy.delete(f"/deployments/{deployment['id']}").status_code == 204
    assert [user.get("/admin/settings").status_code for user in (read, run, deploy, admin)] == [403, 403, 403, 200]


def test_whoever_may_only_look_sees_no_secrets(keyed: Keyed) -> None:
    """Neither by the query nor in the body."""
    admin, read, run = (keyed.user(scope) for scope in ("admin", "read", "run"))
    kind = admin.read("/block_types/slug/secret")
    fields = {"properties": {"value": {"type": "string", "format": "password"}}, "secret_fields": ["value"], "type": "object", "title": "S"}
    schema = admin.made("/block_schemas/", block_type_id=kind["id"], fields=fields, capabilities=[])
    document = admin.made(
        "/block_documents/", name=fresh("secret"), data={"value": "hunter2"}, block_schema_id=schema["id"], block_type_id=kind["id"]
    )
    path = f"/block_documents/{document['id']}"
    assert "hunter2" not in read.get(path).text
    assert read.get(path, include_secrets="true").status_code == 403
    assert read.post("/block_documents/filter", include_secrets=True).status_code == 403
    assert run.get(path, include_secrets="true").json()["data"]["value"] == "hunter2"


@pytest.mark.parametrize(
    ("scope", "path", "welcome"), [("read", "/events/out", True), ("read", "/events/in", False), ("run", "/events/in", True)]
)
def test_websockets_know_keys_and_scopes(keyed: Keyed, scope: str, path: str, welcome: bool) -> None:
    """By the token of the first message, as the password of anybody (as Prefect's client sends it), or by the header."""
    key, url = keyed.keys[scope], keyed.server.url.replace("http://", "ws://") + path
    for token, headers in ((key, {}), (f"me:{key}", {}), (None, bearer(key))):
        with connect(url, subprotocols=["prefect"], additional_headers=headers) as socket:
            socket.send(json.dumps({"type": "auth", "token": token}))
            if welcome:
                assert json.loads(socket.recv(10)) == {"type": "auth_success"}
                continue
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008


def test_a_revoked_key_is_refused_within_seconds(keyed: Keyed) -> None:
    """By a server that knew it; its name is free again."""
    key = keyed.cli("create", "passing", "--scope", "read")["key"]
    user = Rest(keyed.server.url, headers=bearer(key), trust_env=False)
    user.until(lambda: user.get("/version").status_code == 200, "the key is known", 5)
    assert flowhand("server", "key", "revoke", "passing", env=keyed.environ).code == 0
    began = time.monotonic()
    user.until(lambda: user.get("/version").status_code == 401, "the key is refused", 10)
    assert time.monotonic() - began < 4
    assert flowhand("server", "key", "revoke", "passing", env=keyed.environ).code == 4
    assert keyed.cli("create", "passing", "--scope", "read")["key"] != key


def test_a_key_ends_when_it_was_told_to(keyed: Keyed) -> None:
    """And `ls` says when, and when each was last used; never the key."""
    key = keyed.cli("create", "brief", "--scope", "read", "--expires-in", "8s")["key"]
    user = Rest(keyed.server.url, headers=bearer(key), trust_env=False)
    user.until(lambda: user.get("/version").status_code == 200, "the key is known", 5)
    listed = {one["name"]: one for one in keyed.cli("ls")}
    assert listed["brief"]["last_used"] is not None
    assert listed["brief"]["expires"] > listed["brief"]["created"]
    assert not any(secret.partition("_")[2].partition("_")[2] in json.dumps(listed) for secret in keyed.keys.values())
    user.until(lambda: user.get("/version").status_code == 401, "the key has ended", 20)


def test_the_owner_of_the_home_needs_no_key(keyed: Keyed) -> None:
    """His programs find the token."""
    ended = flowhand("server", "status", "-o", "json", env=keyed.environ)
    assert (ended.code, ended.json["running"]) == (0, True)
    assert "leased_runs" in ended.json


def test_a_worker_serves_with_a_key_that_may_run(keyed: Keyed) -> None:
    """Its session and its claims; and `read` gets none."""
    pool = keyed.user("admin").pool()
    body = {"kind": "worker", "name": "w", "work_pool": pool["name"], "version": "1", "host": "h", "pid": 1}
    assert keyed.user("run").post("/runner/session", body).status_code == 200
    assert keyed.user("read").post("/runner/session", body).status_code == 403


def test_who_changed_what_is_told_without_secrets(keyed: Keyed) -> None:
    """The audit trail names the key, the request and its outcome; what runs report is not in it."""
    deploy, run = keyed.user("deploy"), keyed.user("run")
    flow = keyed.user("run").flow()
    deployment = deploy.deployment(flow)
    flow_run = run.made(f"/deployments/{deployment['id']}/create_flow_run?secret=hunter3")
    run.set_state(flow_run, "RUNNING")
    run.http.delete(f"/deployments/{deployment['id']}")
    log = keyed.server.log
    lines = [line for line in log.splitlines() if "audit" in line and ("/deployments/" in line or "set_state" in line)]
    told = "\n".join(lines)
    assert any("key deploy" in line and "POST /api/deployments/" in line and "201" in line for line in lines), told
    assert any("key run" in line and f"DELETE /api/deployments/{deployment['id']}" in line and "403" in line for line in lines), told
    assert any("key run" in line and "create_flow_run" in line and "201" in line for line in lines), told
    assert f"{flow_run['id']}/set_state" not in told
    assert "hunter3" not in log
    assert not any(key in log for key in keyed.keys.values())


def test_revoking_the_last_key_does_not_open_the_doors(tmp_path: Path) -> None:
    """A server that starts after that asks for a key all the same; the owner of the home can make another."""
    environ = environment(tmp_path)
    flowhand("server", "key", "create", "gone", "--scope", "admin", env=environ)
    flowhand("server", "key", "revoke", "gone", env=environ)
    with running_server(tmp_path) as server:
        assert httpx.get(f"{server.url}/admin/settings", trust_env=False).status_code == 401


def test_a_server_without_keys_or_credentials_stays_on_the_loopback(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    ended = flowhand("server", "start", "--host", "0.0.0.0", "--port", "0", env=environ)
    assert ended.code == 2
    assert "flowhand server key create" in ended.err
