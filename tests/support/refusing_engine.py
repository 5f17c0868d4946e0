"""A container engine that has one container and refuses, hangs up or forgets as told: what a real one does too rarely to wait for."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

ID: Final = "c0ffee"
HANG_UP: Final = 0
"""Instead of a status: the connection ends without an answer."""


@dataclass
class RefusingEngine:
    """What it answers. `refusals` has statuses by method and path, as in `DELETE /containers/c0ffee`, `relents` how many times it refuses
    such a call, when not for ever; `asked` is what came, oldest first."""

    host: str
    refusals: dict[str, int] = field(default_factory=dict[str, int])
    relents: dict[str, int] = field(default_factory=dict[str, int])
    labels: dict[str, str] = field(default_factory=dict[str, str])
    status: str = "running"
    code: int = 0
    asked: list[str] = field(default_factory=list[str])

    def answer(self, call: str) -> tuple[int, Any]:
        """Status and body."""
        self.asked.append(call)
        if call in self.refusals and self.asked.count(call) <= self.relents.get(call, len(self.asked)):
            return self.refusals[call], {"message": f"refused {call}"}
        about = {"Id": ID, "Name": "/boxed", "Config": {"Labels": self.labels, "Tty": False}, "State": {"Status": self.status}}
        found: dict[str, tuple[int, Any]] = {
            "GET /version": (200, {"ApiVersion": "1.41"}),
            "GET /_ping": (200, {}),
            "GET /images/boxed:1/json": (200, {"Id": "image"}),
            "GET /containers/json": (200, [{"Id": ID}]),
            f"GET /containers/{ID}/json": (200, about),
            "POST /containers/create": (201, {"Id": ID}),
            f"POST /containers/{ID}/start": (204, {}),
            f"POST /containers/{ID}/wait": (200, {"StatusCode": self.code}),
            f"DELETE /containers/{ID}": (204, {}),
            "GET /networks/first": (200, {"Id": "first"}),
            "GET /networks/second": (200, {"Id": "second"}),
        }
        return found.get(call, (404, {"message": f"no such thing: {call}"}))


class _Handler(BaseHTTPRequestHandler):
    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = re.sub(r"^/v[\d.]+", "", self.path.partition("?")[0])
        status, body = self.server.engine.answer(f"{self.command} {path}")  # pyright: ignore[reportAttributeAccessIssue]: the server's own
        self.close_connection = True
        if status == HANG_UP:
            return
        data = json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def refusing_engine(folder: Path) -> Generator[RefusingEngine]:
    """It answers at its `host`, a value of DOCKER_HOST, on a socket in `folder`."""
    path = folder / "engine.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), _Handler) as server:
        engine = server.engine = RefusingEngine(f"unix://{path}")  # pyright: ignore[reportAttributeAccessIssue]: for the handler
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield engine
        finally:
            server.shutdown()
            thread.join()
