"""A worker's side of `/api/runner` over real HTTP, as thin as it can be, and the few calls that give it something to do."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from flowhand.wire.runner import SECRET_HEADER
from support.server import RunningServer


class Refused(Exception):
    """The server said no. `status` and `detail` are what it said."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


@dataclass
class Api:
    """The API of a server."""

    server: RunningServer
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.server.url, headers=self.server.headers, timeout=40, trust_env=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer's JSON. Refused for anything but a success."""
        answer = self.http.request(method, path, json=body, headers=headers)
        content = answer.json() if answer.content else None
        if not answer.is_success:
            raise Refused(answer.status_code, content)
        return content

    def pool(self, name: str | None = None, **fields: Any) -> str:
        """A new work pool's name."""
        name = name or f"pool-{uuid.uuid4().hex[:8]}"
        self.call("POST", "/work_pools/", {"name": name, "type": "process", **fields})
        return name

    def deployment(self, pool: str | None = None, **fields: Any) -> str:
        """A new deployment's id."""
        flow = self.call("POST", "/flows/", {"name": "a-flow"})
        body = {"name": f"d-{uuid.uuid4().hex[:8]}", "flow_id": flow["id"], "entrypoint": "flows.py:a_flow", **fields}
        if pool:
            body["work_pool_name"] = pool
        return self.call("POST", "/deployments/", body)["id"]

    def run(self, deployment: str, *, in_s: float | None = None, **fields: Any) -> str:
        """A new run's id; `in_s` seconds from now, at once when it is not given."""
        if in_s is not None:
            at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + in_s)) + f".{int((time.time() + in_s) % 1 * 1e6):06d}Z"
            fields["state"] = {"type": "SCHEDULED", "state_details": {"scheduled_time": at}}
        return self.call("POST", f"/deployments/{deployment}/create_flow_run", fields)["id"]

    def read(self, run: str) -> dict[str, Any]:
        """A run as the contract shows it."""
        return self.call("GET", f"/flow_runs/{run}")

    def set_state(self, run: str, state_type: str, *, force: bool = False, **state: Any) -> dict[str, Any]:
        """Proposes a state."""
        return self.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": state_type, **state}, "force": force})

    def session(self, pool: str | None = None, **fields: Any) -> Session:
        """A new session, of a worker when a pool is given, else of a script that serves `deployments`."""
        body = {"kind": "worker" if pool else "serve", "name": "w", "work_pool": pool, **fields}
        return Session(self, self.call("POST", "/runner/session", body))


@dataclass
class Session:
    """One session, which remembers the number of the last claim answer."""

    api: Api
    opened: dict[str, Any]
    last_claim: int = 0

    @property
    def id(self) -> str:
        """The session's id."""
        return self.opened["session"]

    def post(self, path: str, **body: Any) -> Any:
        """A call of this session."""
        return self.api.call("POST", f"/runner/{path}", {"session": self.id, **body}, **{SECRET_HEADER: self.opened["secret"]})

    def claim(self, slots: int = 10, wait_s: float = 0.0, *, lose: bool = False, **more: Any) -> dict[str, Any]:
        """A claim; with `lose` its answer counts as not received."""
        answer = self.post("claim", slots=slots, wait_s=wait_s, last_claim=self.last_claim, **more)
        if not lose:
            self.last_claim = answer["claim"]
        return answer

    def claimed(self, slots: int = 10, wait_s: float = 5.0) -> list[dict[str, Any]]:
        """The runs of a claim."""
        return self.claim(slots, wait_s)["runs"]

    def state(self, run: dict[str, Any], state_type: str, seq: int, **more: Any) -> dict[str, Any]:
        """Reports one state of a claimed run."""
        item = {"run_id": run["run_id"], "attempt": run["attempt"], "seq": seq, "type": state_type, "at_us": time.time_ns() // 1000, **more}
        return self.post("report", states=[item])

    def log(self, run: dict[str, Any], *lines: tuple[str, int, str]) -> dict[str, Any]:
        """Reports log lines (stream, seq, message)."""
        now = time.time_ns() // 1000
        written = [[stream, seq, now, 20, "flow", message, None] for stream, seq, message in lines]
        return self.post("report", logs=[{"run_id": run["run_id"], "attempt": run["attempt"], "lines": written}])

    def renew(self, *runs: dict[str, Any]) -> dict[str, Any]:
        """Renews leases."""
        return self.post("report", renew=[[run["run_id"], run["attempt"]] for run in runs])
