"""The two clients: `SyncApiClient` for plain code, `ApiClient` for a loop. Both send the same calls under the same rules.

    with SyncApiClient(address) as api:
        deployment = api.send(deployments.read_by_name("my-flow", "nightly"))

Errors are those of flowhand.errors. A client may be used by one thread, or one loop, at a time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
import anyio.to_thread

from flowhand.client.address import Address
from flowhand.client.answers import Answer
from flowhand.client.call import Call, Errand, Pause
from flowhand.client.exchange import Lost, Request, Revive, Session, Step, exchange
from flowhand.client.transport import async_client, httpx, sync_client
from flowhand.errors import ApiError, ApiUnavailable

T = TypeVar("T")
TIMEOUT_S = 30.0
PATIENCE_S = 15.0
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class SyncApiClient:
    """Sends calls and runs errands, blocking. `revive` brings the embedded server up again and says where it is."""

    def __init__(
        self, address: Address, *, timeout_s: float = TIMEOUT_S, patience_s: float = PATIENCE_S, revive: Callable[[], Address] | None = None
    ) -> None:
        self._session = Session(address, patience_s)
        self._timeout_s = timeout_s
        self._revive = revive
        self._http = sync_client(address, timeout_s)

    @property
    def address(self) -> Address:
        """Where it talks to; may change when the embedded server was started again."""
        return self._session.address

    def be_patient(self, on_retry: Callable[[ApiUnavailable, float], None]) -> None:
        """From now on waits for the API for ever, also when nothing ever answered; `on_retry` is told why, and for how many seconds."""
        self._session.patience_s = math.inf
        self._session.reached = True
        self._session.on_retry = on_retry

    def send(self, call: Call[T]) -> T:
        """One call. Tried again while that is safe and patience lasts."""
        steps = exchange(call, self._session)
        outcome: Answer | Lost | None = None
        try:
            while True:
                outcome = self._perform(steps.send(outcome))
        except StopIteration as end:
            return end.value

    def run(self, errand: Errand[T]) -> T:
        """An errand to its end; errors are raised inside it first."""
        try:
            step = next(errand)
            while True:
                try:
                    got = time.sleep(step.seconds) if isinstance(step, Pause) else self.send(step)
                except ApiError as error:
                    step = errand.throw(error)
                else:
                    step = errand.send(got)
        except StopIteration as end:
            return end.value
        finally:
            errand.close()

    def _perform(self, step: Step) -> Answer | Lost | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        if isinstance(step, Revive):
            self._move(self._revive() if self._revive else self.address)
            return None
        try:
            return _answer(self._http.send(self._http.build_request(**_arguments(step, self._timeout_s))))
        except httpx.TransportError as error:
            return Lost(error, not isinstance(error, _NOT_SENT))

    def _move(self, address: Address) -> None:
        if address != self.address:
            self._http.close()
            self._session.address = address
            self._http = sync_client(address, self._timeout_s)

    def close(self) -> None:
        """Closes its connections; idempotent."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class ApiClient:
    """The same on a loop. Cancellable at any point; a cancelled call may or may not have reached the server."""

    def __init__(
        self, address: Address, *, timeout_s: float = TIMEOUT_S, patience_s: float = PATIENCE_S, revive: Callable[[], Address] | None = None
    ) -> None:
        self._session = Session(address, patience_s)
        self._timeout_s = timeout_s
        self._revive = revive
        self._http = async_client(address, timeout_s)

    @property
    def address(self) -> Address:
        """Where it talks to; may change when the embedded server was started again."""
        return self._session.address

    async def send(self, call: Call[T]) -> T:
        """One call. Tried again while that is safe and patience lasts."""
        steps = exchange(call, self._session)
        outcome: Answer | Lost | None = None
        try:
            while True:
                outcome = await self._perform(steps.send(outcome))
        except StopIteration as end:
            return end.value

    async def run(self, errand: Errand[T]) -> T:
        """An errand to its end; errors are raised inside it first."""
        try:
            step = next(errand)
            while True:
                try:
                    got: Any = await anyio.sleep(step.seconds) if isinstance(step, Pause) else await self.send(step)
                except ApiError as error:
                    step = errand.throw(error)
                else:
                    step = errand.send(got)
        except StopIteration as end:
            return end.value
        finally:
            errand.close()

    async def _perform(self, step: Step) -> Answer | Lost | None:
        if isinstance(step, Pause):
            await anyio.sleep(step.seconds)
            return None
        if isinstance(step, Revive):
            await self._move(await anyio.to_thread.run_sync(self._revive) if self._revive else self.address)
            return None
        try:
            return _answer(await self._http.send(self._http.build_request(**_arguments(step, self._timeout_s))))
        except httpx.TransportError as error:
            return Lost(error, not isinstance(error, _NOT_SENT))

    async def _move(self, address: Address) -> None:
        if address != self.address:
            self._session.address = address
            gone, self._http = self._http, async_client(address, self._timeout_s)
            await gone.aclose()

    async def close(self) -> None:
        """Closes its connections; idempotent."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()


def _arguments(request: Request, timeout_s: float) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.path.lstrip("/"),
        "content": request.content,
        "params": request.query or None,
        "headers": request.headers,
        "timeout": httpx.Timeout(request.timeout_s or timeout_s, connect=min(5.0, timeout_s)),
    }


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.headers, response.content)
