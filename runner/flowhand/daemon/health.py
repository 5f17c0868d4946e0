"""Liveness, readiness and metrics over HTTP, for `--with-healthcheck` and `serve(webserver=True)`.

`/livez`: the loop turns. `/readyz`: a claim went round lately (200, else 503 with the reason). `/metrics`: Prometheus text.
A few lines of HTTP/1.0 on anyio: three fixed answers do not want a web stack in every worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import anyio
import structlog
from anyio.abc import SocketStream, TaskStatus

from flowhand.clock import Clock
from flowhand.daemon.journal import Journal
from flowhand.daemon.poller import Poller
from flowhand.daemon.registry import Registry
from flowhand.daemon.reporter import Reporter

log = structlog.get_logger("flowhand.daemon")
DEAF_S: Final = 90.0
REQUEST_BYTES: Final = 8192


@dataclass(slots=True)
class Health:
    """Where the answers come from."""

    poller: Poller
    registry: Registry
    reporter: Reporter
    journal: Journal
    clock: Clock

    def deaf_for(self) -> float:
        """Seconds since a claim went round."""
        return self.clock.monotonic() - self.poller.last_success

    def answer(self, path: str) -> tuple[int, str]:
        """Status and body for a path."""
        if path in ("/livez", "/health", "/healthz"):
            return 200, "ok\n"
        if path == "/readyz":
            deaf = self.deaf_for()
            return (200, "ok\n") if deaf < DEAF_S else (503, f"no claim has gone round for {deaf:.0f} s\n")
        if path == "/metrics":
            return 200, self.metrics()
        return 404, "try /livez, /readyz or /metrics\n"

    def metrics(self) -> str:
        """Gauges in Prometheus' text form."""
        gauges = {
            "flowhand_runs": ("Runs this daemon has, ended ones that are not reported yet included", len(self.registry)),
            "flowhand_slots_free": ("Runs it could take now", self.registry.free),
            "flowhand_slots": ("Runs it may have at once", self.registry.limit),
            "flowhand_seconds_since_claim": ("Seconds since a claim went round", round(self.deaf_for(), 3)),
            "flowhand_journal_bytes": ("Bytes in the journal", self.journal.size),
            "flowhand_reporter_idle": ("1 when nothing waits to be reported", int(self.reporter.idle)),
        }
        return "".join(f"# HELP {name} {about}\n# TYPE {name} gauge\n{name} {value}\n" for name, (about, value) in gauges.items())


async def serve_health(health: Health, host: str, port: int, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
    """Listens until it is cancelled. A port in use is told and done without: a worker is worth more than its probe."""
    try:
        listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    except OSError as error:
        log.error("The health endpoints cannot be served", address=f"{host}:{port}", why=error.strerror or str(error))
        return

    task_status.started()

    async def answer(stream: SocketStream) -> None:
        async with stream:
            with anyio.move_on_after(5.0):
                try:
                    status, body = health.answer(_path(await stream.receive(REQUEST_BYTES)))
                    await stream.send(_response(status, body))
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    pass  # a probe that only connects, or does not wait for its answer

    log.info("Health and metrics", url=f"http://{host}:{port}/readyz")
    await listener.serve(answer)


def _response(status: int, body: str) -> bytes:
    content = body.encode()
    about = f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(content)}\r\n"
    return f"HTTP/1.0 {status} {HTTPStatus(status).phrase}\r\n{about}\r\n".encode() + content


def _path(request: bytes) -> str:
    words = request.split(b"\r\n", 1)[0].split()
    return words[1].decode("latin-1").partition("?")[0] if len(words) > 1 else ""
