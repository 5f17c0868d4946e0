"""A folder behind a real web server that notes what was asked."""

from __future__ import annotations

import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from support.storage_requires import require


class ServedFolder:
    """Serves `root` over HTTP on the loopback, for fsspec, which needs aiohttp to read it.

    `seen` holds each request's method and path; `wanted` is the Authorization asked for; what begins with `missing` is answered with 503.
    """

    def __init__(self, root: Path, wanted: str | None = None) -> None:
        require("aiohttp")
        root.mkdir(parents=True, exist_ok=True)
        self.wanted = wanted
        self.missing: str | None = None
        self.seen: list[str] = []
        owner = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=str(root))

            def send_head(self) -> object:
                owner.seen.append(f"{self.command} {self.path}")
                if owner.wanted and self.headers.get("Authorization") != owner.wanted:
                    self.send_error(401)
                    return None
                if owner.missing and self.path.startswith(owner.missing):
                    self.send_error(503)
                    return None
                return super().send_head()

            def log_message(self, *_: object) -> None:
                """Say nothing: `seen` is the record."""

        self._web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._web.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._web.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._web.shutdown()
        self._web.server_close()
