"""A plain HTTP user of the REST contract, for tests that state what it promises."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import httpx
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

_numbers = itertools.count(1)


class Rest:
    """Calls of the contract. `post` and the like answer the response; `made` and `read` its body, and fail on an error."""

    def __init__(self, url: str, **options: Any) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=20, **options)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(path, params=params)

    def post(self, path: str, body: Any = None, **fields: Any) -> httpx.Response:
        return self.http.post(path, json=fields if body is None else body)

    def patch(self, path: str, **fields: Any) -> httpx.Response:
        return self.http.patch(path, json=fields)

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(path)

    def made(self, path: str, body: Any = None, **fields: Any) -> Any:
        """The body of a successful POST."""
        answer = self.post(path, body, **fields)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def read(self, path: str, **params: Any) -> Any:
        """The body of a successful GET."""
        answer = self.get(path, **params)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    @contextmanager
    def socket(self, path: str, token: str | None = None) -> Generator[ClientConnection]:
        """A websocket that has said who it is."""
        with connect(self.url.replace("http://", "ws://") + path, subprotocols=[Subprotocol("prefect")]) as socket:
            socket.send(json.dumps({"type": "auth", "token": token}))
            assert json.loads(socket.recv(10)) == {"type": "auth_success"}
            yield socket

    # --- things to test with ---------------------------------------------------------------------------------------------------------

    def flow(self, **fields: Any) -> dict[str, Any]:
        """A flow of its own."""
        return self.made("/flows/", **({"name": fresh("flow")} | fields))

    def deployment(self, flow: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """A deployment of its own."""
        owner = flow or self.flow()
        return self.made("/deployments/", **({"name": fresh("deployment"), "flow_id": owner["id"]} | fields))

    def pool(self, **fields: Any) -> dict[str, Any]:
        """A work pool of its own."""
        return self.made("/work_pools/", **({"name": fresh("pool"), "type": "process"} | fields))

    def run(self, deployment: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """A run of a deployment; of one of its own when none is named."""
        owner = deployment or self.deployment()
        return self.made(f"/deployments/{owner['id']}/create_flow_run", **fields)

    def set_state(self, run: dict[str, Any], kind: str, name: str | None = None, *, force: bool = False, **details: Any) -> httpx.Response:
        """A state proposed for a run."""
        state = {"type": kind, "name": name, "state_details": details}
        return self.post(f"/flow_runs/{run['id']}/set_state", state=state, force=force)

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:
        """What the condition says once it is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.02)  # polled: the deadline is what counts
        raise AssertionError(f"not within {seconds} s: {what}")


def fresh(word: str) -> str:
    """A name that nobody else has."""
    return f"{word}-{next(_numbers)}"
