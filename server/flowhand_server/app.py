"""The application: the contract's routes under `/api`, our own under `/api/runner`, the services beside them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from flowhand.clock import Clock, SystemClock, WatchedClock

from .access.audit import Audit
from .access.authentication import Authentication
from .access.csrf import CsrfTokens
from .activity import Activity
from .auth import Guard
from .automations.engine import CALLERS, Caller, Engine
from .config import ServerConfig
from .dispatch.claiming import Claims
from .dispatch.desk import Desk
from .dispatch.watching import Watches
from .events.feed import Feed
from .events.pulse import Pulse
from .routes.api import add_api
from .routes.description import add_description
from .routes.direct import Direct
from .routes.errors import install_error_forms
from .routes.runner import PREFIX, RunnerApi
from .services.crew import Crew
from .services.jump_guard import JumpGuard
from .services.roster import services_of
from .store.block_types import install_built_in
from .store.store import Store
from .vault import vault_of


class Application:
    """What one server process is made of. `asgi` is what the web server runs."""

    def __init__(self, store: Store, config: ServerConfig, clock: Clock | None = None) -> None:
        self.clock = WatchedClock(clock or SystemClock())
        self.store = store
        self.config = config
        self.desk = Desk(self.clock)
        self.watches = Watches(store, self.clock)
        leases = JumpGuard(store, self.clock)
        self.claims = Claims(leases, self.desk, self.clock)
        self.feed = Feed(store, self.clock)
        self.log_pulse = Pulse("run")
        self.task_pulse = Pulse("task")
        self.audit = Audit(config.guarded)
        self.who = Authentication(store, config, self.clock, self.audit)
        self.csrf = CsrfTokens(config.csrf_key.encode(), self.clock) if config.csrf_key else None
        self.vault = vault_of(config)
        self.engine = Engine(store, self.clock)
        callers = [Caller(number, self.engine, store, self.vault, self.clock) for number in range(1, CALLERS + 1)]
        self.crew = Crew([*services_of(store, config, self.clock), self.feed, self.engine, *callers])
        store.follow(self.desk.follow)
        store.listen(self.desk.notice)
        store.listen(self.watches.notice)
        store.listen(self.feed.notice)
        store.listen(self.engine.notice)
        store.listen(self.log_pulse.notice)
        store.listen(self.task_pulse.notice)
        self._runner = RunnerApi(leases, config, self.clock, self.claims, self.watches)
        self._contract = Direct(self._routes())
        self.activity = Activity(Guard(self._by_path, config, self.who, self.csrf, self.audit), self.clock)
        self.asgi: ASGIApp = self.activity

    def stop_waiting(self) -> None:
        """Has every waiting claim and watch answered at once; the first step of stopping."""
        self.desk.stop()
        self.watches.stop()

    async def _by_path(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self._runner if ours else self._contract)(scope, receive, send)

    def _routes(self) -> FastAPI:
        # Prefect's clients before 3.6 send some bodies without saying that they are JSON; a foreign page's are refused by their Origin.
        app = FastAPI(title="flowhand", version=self.config.version, lifespan=self._lifespan, openapi_url=None, strict_content_type=False)
        app.state.store = self.store
        app.state.clock = self.clock
        app.state.config = self.config
        app.state.who = self.who
        app.state.csrf = self.csrf
        app.state.audit = self.audit
        app.state.feed = self.feed
        app.state.log_pulse = self.log_pulse
        app.state.task_pulse = self.task_pulse
        app.state.vault = self.vault
        install_error_forms(app)
        add_api(app)
        add_description(app)
        return app

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncGenerator[None]:
        await self.store.write(install_built_in, self.clock.now_us())
        await self.crew.start()
        try:
            yield
        finally:
            await self.crew.stop()
            await self.store.close()
