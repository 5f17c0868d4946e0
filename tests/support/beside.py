"""Prefect's server and ours, side by side: the same story of calls is played to both, and what they answer otherwise is told.

    def story(play: Player) -> None:
        flow = play.post("/flows/", name="f")
        play.get(f"/flows/{flow['id']}")

    with both_servers(folder) as both:
        assert both.differences(story) == []

A story says nothing of what the answers should be: Prefect's server does. `support.beside_answers` says what counts as the same.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from support.beside_answers import Difference, Exchange, Otherwise, compared
from support.prefect_client import VERSION, prefect_home
from support.server import running_server

START_S: Final = 120.0
TRIES: Final = 20
HEADERS: Final = {
    "User-Agent": f"prefect/{VERSION} (API 0.8.4)",
    "X-PREFECT-API-VERSION": "0.8.4",
    "Connection": "close",  # Prefect's server hangs up at moments of its own, such as after an error
}
QUIET: Final = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "NO_COLOR": "1",
}
"""Without what acts by itself, at moments of its own."""


class Player:
    """Plays one story to one server and keeps what was said. Each call answers the body, whatever the status."""

    def __init__(self, url: str, now: datetime) -> None:
        self.http = httpx.Client(base_url=url, timeout=60, headers=HEADERS)
        self.exchanges: list[Exchange] = []
        self._now = now

    def get(self, path: str, *, unordered: bool = False, **params: Any) -> Any:
        """What a GET answers. `unordered` for a list whose order is nobody's promise."""
        return self._call("GET", path, unordered=unordered, params=params)

    def post(self, path: str, body: Any = None, *, unordered: bool = False, **fields: Any) -> Any:
        """What a POST answers; its body is JSON, or the raw text that is given."""
        return self._call("POST", path, unordered=unordered, body=fields if body is None else body)

    def patch(self, path: str, body: Any = None, **fields: Any) -> Any:
        """What a PATCH answers."""
        return self._call("PATCH", path, body=fields if body is None else body)

    def put(self, path: str, body: Any = None, **fields: Any) -> Any:
        """What a PUT answers."""
        return self._call("PUT", path, body=fields if body is None else body)

    def delete(self, path: str) -> Any:
        """What a DELETE answers."""
        return self._call("DELETE", path)

    def at(self, seconds: float) -> str:
        """A moment: so many seconds from the story's beginning, the same one for both servers."""
        return (self._now + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    def until(self, ready: Callable[[httpx.Client], bool], seconds: float = 20) -> None:
        """Waits for what a server does by itself, asking it beside the story."""
        deadline = time.monotonic() + seconds
        while not ready(self.http):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s")
            time.sleep(0.05)  # a server has no bell for this; the deadline is what counts

    def close(self) -> None:
        """Ends its connections."""
        self.http.close()

    def _call(self, method: str, path: str, *, unordered: bool = False, body: Any = None, params: dict[str, Any] | None = None) -> Any:
        content = body if isinstance(body, (str, bytes)) else None if body is None else json.dumps(body)
        headers = {} if content is None else {"Content-Type": "application/json"}
        answer = self.http.request(method, path, content=content, headers=headers, params=params)
        for _ in range(TRIES):
            if answer.status_code != 503:  # what Prefect's server says while its database is locked; clients ask again, too
                break
            answer = self.http.request(method, path, content=content, headers=headers, params=params)
        try:
            said = answer.json() if answer.content else None
        except ValueError:
            said = answer.text
        words = f"{method} {path} {content if content is not None else params or ''}".strip()
        self.exchanges.append(Exchange(words, answer.status_code, said, datetime.now(UTC), unordered=unordered))
        return said


Story = Callable[[Player], None]


@dataclass(slots=True)
class Both:
    """The two servers, by the addresses of their APIs."""

    theirs: str
    ours: str
    calls: int = 0
    """Calls that were compared so far."""
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))

    def differences(self, story: Story, otherwise: Iterable[Otherwise] = ()) -> list[Difference]:
        """Plays the story to both at once, and tells what ours answers otherwise, less what is meant to be."""
        now = datetime.now(UTC)
        theirs, ours = self._pool.map(partial(_played, story, now), (self.theirs, self.ours))
        self.calls += len(theirs)
        found = compared(theirs, ours, now)
        return [difference for difference in found if not any(meant.covers(difference) for meant in otherwise)]


def _played(story: Story, now: datetime, url: str) -> list[Exchange]:
    """What was said. A story that cannot go on, since an answer lacks what it needs, ends with the reason as its last answer."""
    player = Player(url, now)
    with closing(player):
        try:
            story(player)
        except httpx.TransportError as lost:
            raise AssertionError(f"{url} was lost after {len(player.exchanges)} calls") from lost
        except (KeyError, IndexError, TypeError) as missing:
            player.exchanges.append(Exchange("the story ended", 0, repr(missing), datetime.now(UTC)))
    return player.exchanges


@contextmanager
def both_servers(folder: Path, environ: dict[str, str] | None = None) -> Generator[Both]:
    """Starts both on SQLite, in folders and on ports of their own, and ends them afterwards. `environ` goes to Prefect's."""
    with _prefect(folder / "theirs", environ or {}) as theirs, running_server(folder / "ours") as ours:
        _answers(theirs, folder / "theirs")
        yield Both(theirs, ours.url)


@contextmanager
def _prefect(home: Path, environ: dict[str, str]) -> Generator[str]:
    """Prefect's server while it comes up; its API's address."""
    home.mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWHAND_", "PREFECT_", "VIRTUAL_ENV"))}
    own = {"PREFECT_HOME": str(home), **QUIET, **environ}
    command = [str(prefect_home() / "bin" / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**kept, **own}, cwd=home)
    try:
        yield f"http://127.0.0.1:{port}/api"
    finally:
        process.kill()
        process.wait(20)


def _answers(url: str, home: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)  # it has no other sign; the deadline is what counts
    raise AssertionError(f"Prefect's server did not come up: {(home / 'server.log').read_text()}")
