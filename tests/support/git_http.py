"""A git server over HTTP: git's own http-backend behind a small web server that asks for a password and notes what was asked."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from support.certificates import Certificate


class GitHttpServer:
    """Serves the bare repositories below `root` on the loopback while the `with` block lasts.

    `login` is (user, password), or a whole Authorization value, or None for all comers. With a `certificate` it speaks TLS. `seen` holds
    every request's line and its Authorization. `redirect` answers with a redirection to that address; `broken` answers every request with
    503.
    """

    def __init__(self, root: Path, login: tuple[str, str] | str | None = None, *, certificate: Certificate | None = None) -> None:
        self.root = root
        self.login = login
        self.seen: list[tuple[str, str | None]] = []
        self.redirect: str | None = None
        self.broken = False
        server = self
        handler = type("Handler", (_Handler,), {"owner": server})
        self._web = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._web.server_port}"
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate.cert, certificate.key)
            self._web.socket = context.wrap_socket(self._web.socket, server_side=True, do_handshake_on_connect=False)
            self.address = self.address.replace("http:", "https:")

    @property
    def wanted(self) -> str | None:
        if isinstance(self.login, tuple):
            return "Basic " + base64.b64encode(":".join(self.login).encode()).decode()
        return self.login

    def url(self, name: str = "code") -> str:
        return f"{self.address}/{name}.git"

    def __enter__(self) -> Self:
        threading.Thread(target=self._web.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._web.shutdown()
        self._web.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: GitHttpServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing: `seen` is the record."""

    def _answer(self) -> None:
        authorization = self.headers.get("Authorization")
        self.owner.seen.append((self.requestline, authorization))
        if self.owner.broken:
            self.send_error(503)
        elif self.owner.redirect:
            self.send_response(302)
            self.send_header("Location", self.owner.redirect + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.owner.wanted and authorization != self.owner.wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._run_backend()

    def _run_backend(self) -> None:
        """One request through git-http-backend(1), as CGI (RFC 3875)."""
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.owner.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        length = int(self.headers.get("Content-Length") or 0)
        done = subprocess.run(["git", "http-backend"], input=self.rfile.read(length), capture_output=True, env=environment, check=False)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
