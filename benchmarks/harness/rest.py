"""The few calls that benchmarks make, at the REST contract's own paths, so that they can be made to any server that keeps it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import httpx

FLOWS: Final = Path(__file__).resolve().parents[1]
"""The folder of flows.py."""
PAGE: Final = 200
TERMINAL: Final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class BenchmarkFailed(SystemExit):
    """What kept a figure from being measured, in one line. Uncaught it is printed and ends the program with 1."""


class Rest:
    """One connection to an API. `url` ends in `/api`."""

    def __init__(self, url: str, authorization: str | None) -> None:
        headers = {"Authorization": authorization} if authorization else {}
        self._address = (url, authorization)
        self._http = httpx.Client(base_url=url, headers=headers, timeout=40.0, trust_env=False)
        self._watches = True

    @property
    def url(self) -> str:
        """The API's address."""
        return self._address[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def again(self) -> Rest:
        """Another connection to the same API."""
        return Rest(*self._address)

    def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        """The answer's body. BenchmarkFailed for any status but success."""
        return self._answer(self._http.post(path, json=body, headers=headers))

    def get(self, path: str) -> Any:
        """The answer's body. BenchmarkFailed for any status but success."""
        return self._answer(self._http.get(path))

    def answers(self) -> bool:
        """Whether there is an API and it is well."""
        try:
            return bool(self.get("/health"))
        except (BenchmarkFailed, httpx.TransportError):
            return False

    def pause_pool(self, name: str, paused: bool) -> None:
        """Pauses or resumes a work pool."""
        self._answer(self._http.patch(f"/work_pools/{name}", json={"is_paused": paused}))

    def pool(self, name: str) -> bool:
        """Makes a process pool; whether there was none."""
        answer = self._http.post("/work_pools/", json={"name": name, "type": "process"})
        if answer.status_code == 409:
            return False
        self._answer(answer)
        return True

    def delete_pool(self, name: str) -> None:
        """Deletes a pool and its queues."""
        self._http.delete(f"/work_pools/{name}")

    def deployment(self, flow: str, name: str, pool: str, **fields: Any) -> str:
        """Makes a deployment of a flow of flows.py; its id."""
        flow_id = self.post("/flows/", {"name": flow})["id"]
        body = {"name": name, "flow_id": flow_id, "entrypoint": f"flows.py:{flow}", "path": str(FLOWS), "work_pool_name": pool, **fields}
        return str(self.post("/deployments/", body)["id"])

    def limit_deployment(self, deployment_id: str, runs: int) -> None:
        """Sets how many runs of a deployment there may be at once."""
        self._answer(self._http.patch(f"/deployments/{deployment_id}", json={"concurrency_limit": runs}))

    def delete_deployment(self, deployment_id: str) -> None:
        """Deletes a deployment; what it has scheduled goes with it."""
        self._http.delete(f"/deployments/{deployment_id}")

    def run(self, deployment_id: str, due: datetime | None = None, parameters: dict[str, Any] | None = None) -> str:
        """Makes a run of a deployment, due now unless told otherwise; its id."""
        when = (due or datetime.now(UTC)).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": when}}
        return str(self.post(f"/deployments/{deployment_id}/create_flow_run", {"state": state, "parameters": parameters or {}})["id"])

    def await_end(self, run_id: str, seconds: float) -> dict[str, Any]:
        """Waits until a run has ended; the run. By long poll where the server offers one, else by looking ten times a second."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._watches and self._watched_to_end(run_id, left):
                return self.get(f"/flow_runs/{run_id}")
            if not self._watches:
                run = self.get(f"/flow_runs/{run_id}")
                if run["state_type"] in TERMINAL:
                    return run
                time.sleep(0.1)  # a server without a long poll gives no event to wait for
        raise BenchmarkFailed(f"run {run_id} did not end within {seconds:g} s")

    def _watched_to_end(self, run_id: str, seconds: float) -> bool:
        state_id: str | None = None
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            body = {"flow_run_id": run_id, "state_id": state_id, "wait_s": min(left, 20.0)}
            answer = self._http.post("/runner/watch", json=body)
            if answer.status_code == 404:
                self._watches = False
                return False
            seen = self._answer(answer)
            if seen["terminal"]:
                return True
            state_id = seen["state_id"]
        return False

    def count(self, deployment_id: str, *types: str) -> int:
        """How many runs of a deployment are in one of these state types."""
        return int(self.post("/flow_runs/count", _of(deployment_id, types)))

    def runs(self, deployment_id: str, *types: str) -> Iterator[dict[str, Any]]:
        """The runs of a deployment that are in one of these state types."""
        return self._paged("/flow_runs/filter", _of(deployment_id, types))

    def logs(self, run_id: str) -> list[str]:
        """The messages of a run's log."""
        return [line["message"] for line in self._paged("/logs/filter", {"logs": {"flow_run_id": {"any_": [run_id]}}})]

    def began_ns(self, run_id: str, seconds: float = 15.0) -> int:
        """When the first line of a `stamp` run ran. Some servers store logs after the end: they are waited for."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in self.logs(run_id):
                if message.startswith("began "):
                    return int(message.split()[1])
            time.sleep(0.1)  # logs that are late announce themselves to nobody
        raise BenchmarkFailed(f"the log of run {run_id} does not say when it began")

    def claimed_ns(self, run_id: str) -> int:
        """When a run first became Pending, which is when a worker claimed it."""
        states = self.get(f"/flow_run_states/?flow_run_id={run_id}")
        first = next(state for state in states if state["type"] == "PENDING")
        return int(datetime.fromisoformat(first["timestamp"]).timestamp() * 1e9)

    def _paged(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        offset = 0
        while page := self.post(path, {**body, "limit": PAGE, "offset": offset}):
            yield from page
            offset += len(page)
            if len(page) < PAGE:
                return

    @staticmethod
    def _answer(answer: httpx.Response) -> Any:
        if answer.is_error:
            raise BenchmarkFailed(
                f"{answer.request.method} {answer.request.url.path} was answered {answer.status_code}: {answer.text[:300]}"
            )
        return answer.json() if answer.content else None


def _of(deployment_id: str, types: tuple[str, ...]) -> dict[str, Any]:
    return {"deployments": {"id": {"any_": [deployment_id]}}, "flow_runs": {"state": {"type": {"any_": list(types)}}}}


def seconds_from_now(seconds: float) -> datetime:
    """A moment so far ahead, UTC."""
    return datetime.now(UTC) + timedelta(seconds=seconds)
