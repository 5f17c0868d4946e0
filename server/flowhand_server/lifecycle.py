"""The running server: from the open database to the last answer."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Generator
from typing import Final

import structlog
import uvicorn

from flowhand.errors import ConfigurationError

from .access.settling import settle
from .access.size import MAX_BODY
from .app import Application
from .config import ServerConfig
from .one_write import Connection
from .place import Place
from .store.opening import open_postgresql, open_sqlite
from .store.sessions import any_session_lives
from .store.store import Store

STOP_WITHIN_S: Final = 5
"""How long requests under way have to end after a signal."""
_log = structlog.get_logger("flowhand.server")


async def run(config: ServerConfig, place: Place, listening: socket.socket) -> None:
    """Serves on `listening` until a signal comes or, embedded, until nobody needs it. StoreUnusable when there is no database to be had."""
    store = open_store(config)
    try:
        config = await settle(config, store)
    except ConfigurationError:
        await store.close()
        raise
    host, port = listening.getsockname()[:2]

    def started() -> None:
        place.publish(config.host if config.host not in {"0.0.0.0", "::"} else "127.0.0.1", port, config.server_id)  # noqa: S104
        _log.info("listening", host=host, port=port, embedded=config.embedded)

    await WebServer(Application(store, config), started).serve(sockets=[listening])
    _log.info("stopped")


def open_store(config: ServerConfig) -> Store:
    """The database that the configuration names."""
    if config.database_url:
        return open_postgresql(config.database_url)
    return open_sqlite(config.directory / "flowhand.db")


class WebServer(uvicorn.Server):
    """uvicorn with our way to begin and to end: it says when it listens, sleeps until it is told to stop, and answers who waits first."""

    def __init__(self, application: Application, started: Callable[[], None]) -> None:
        config = application.config
        super().__init__(
            uvicorn.Config(
                application.asgi,
                loop="none",
                http=Connection,
                ws="websockets-sansio",
                ws_max_size=MAX_BODY,
                proxy_headers=bool(config.trusted_proxies),
                forwarded_allow_ips=",".join(config.trusted_proxies),
                ssl_certfile=config.tls_cert,
                ssl_keyfile=config.tls_key,
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=STOP_WITHIN_S,
                backlog=2048,
            )
        )
        self._application = application
        self._started = started
        self._told = asyncio.Event()

    def stop(self) -> None:
        """Stops gracefully; idempotent."""
        self.should_exit = True
        self._application.stop_waiting()
        self._told.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._started()

    async def main_loop(self) -> None:
        """Nothing to do ten times a second: connections have timers of their own."""
        config = self._application.config
        if not config.embedded or config.idle_exit_s <= 0:
            await self._told.wait()
            return
        while not self._told.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), min(config.idle_exit_s / 4, 5.0))
            if not self._told.is_set() and await self._is_idle():
                _log.info("leaving: nobody has needed this server", seconds=config.idle_exit_s)
                self.stop()

    async def _is_idle(self) -> bool:
        application = self._application
        if application.activity.idle_s() < application.config.idle_exit_s:
            return False
        return not await application.store.read(any_session_lives, application.clock.now_us())

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """SIGTERM and SIGINT stop it, and it then ends with status 0; a second one ends the wait for requests under way."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self._signalled)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _signalled(self) -> None:
        if self.should_exit:
            self.force_exit = True
        self.stop()
