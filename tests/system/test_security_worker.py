"""A worker with a key that may run, over TLS with an authority of its own: from its session to what the flow asks of the API itself."""

from __future__ import annotations

import ssl
from pathlib import Path

from support.certificates import make_certificate
from support.cli import environment, flowhand
from support.rest import Rest
from support.server import running_server

FLOWS = """
from flowhand import flow
from flowhand.variables import Variable

@flow(log_prints=True)
def asks():
    print("the variable is", Variable.get("greeting"))
"""


def test_a_worker_with_a_key_over_tls(tmp_path: Path) -> None:
    """The run completes, and its process, too, trusted the authority and sent the key."""
    home, code = tmp_path / "server", tmp_path / "code"
    code.mkdir()
    (code / "flows.py").write_text(FLOWS)
    certificate = make_certificate(tmp_path)
    key = {scope: _key(home, scope) for scope in ("run", "admin")}
    with running_server(home, "--tls-cert", str(certificate.cert), "--tls-key", str(certificate.key)) as server:
        context = ssl.create_default_context(cafile=str(certificate.cert))
        admin = Rest(server.url, headers={"Authorization": f"Bearer {key['admin']}"}, verify=context, trust_env=False)
        admin.made("/variables/", name="greeting", value="hello over TLS")
        pool = admin.pool()
        body = {
            "name": "d",
            "flow_id": admin.flow()["id"],
            "work_pool_name": pool["name"],
            "entrypoint": "flows.py:asks",
            "path": str(code),
        }
        run = admin.run(admin.made("/deployments/", body))
        more = {"FLOWHAND_API_KEY": key["run"], "FLOWHAND_API_TLS_CA": str(certificate.cert)}
        env = environment(tmp_path / "worker", server.url, **more)
        ended = flowhand("worker", "start", "--pool", pool["name"], "--run-once", env=env, timeout=90)
        assert ended.code == 0, ended.err
        lines = admin.made("/logs/filter", logs={"flow_run_id": {"any_": [run["id"]]}})
        assert admin.read(f"/flow_runs/{run['id']}")["state_type"] == "COMPLETED", lines
        assert any("hello over TLS" in line["message"] for line in lines)


def _key(home: Path, scope: str) -> str:
    made = flowhand("server", "key", "create", scope, "--scope", scope, "-o", "json", env=environment(home))
    assert made.code == 0, made.err
    return made.json["key"]
