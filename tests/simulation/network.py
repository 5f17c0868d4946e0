"""The network between workers and the server: delay, loss of request or answer, duplicates, reordering, partition.

What crosses it is written as JSON and read anew, as on a real wire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from flowhand.errors import ApiUnavailable, FlowhandError

from .world import World

TIMEOUT_S: Final = 3.0
"""After so long without an answer a client gives up; a waiting claim gets as much on top of its own time."""

Reply = Callable[[str | FlowhandError], None]


@dataclass(slots=True, eq=False)
class Call:
    """One request: what it is, its body as JSON, and the session's secret."""

    kind: str
    body: str
    secret: str
    _gone: bool = False
    _listeners: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])

    def on_gone(self, listener: Callable[[], object]) -> None:
        """Calls `listener` once the server hears that nobody waits for the answer any more."""
        self._listeners.append(listener)
        if self._gone:
            listener()

    def hung_up(self) -> None:
        """The client has closed the connection."""
        self._gone = True
        for listener in self._listeners:
            listener()


class Server(Protocol):
    """Where requests arrive."""

    def receive(self, call: Call, reply: Reply) -> None:
        """Serves a call. `reply` is called once, or never when the server dies first. ConnectionRefusedError while it is down."""
        ...


@dataclass(slots=True)
class Weather:
    """How the network is just now: probabilities for each message, and seconds."""

    delay: tuple[float, float] = (0.0005, 0.02)
    slow: float = 0.0
    slow_s: float = 3.0
    loss: float = 0.0
    duplicate: float = 0.0
    lost_claims: float = 0.0
    """Of answers to claims alone."""


@dataclass(slots=True)
class Network:
    """Carries calls to the server and answers back."""

    world: World
    server: Server
    weather: Weather = field(default_factory=Weather)
    cut: dict[str, str] = field(default_factory=dict[str, str])
    """Hosts that cannot reach the server: `refused` (they learn at once) or `silent` (what they send is swallowed)."""

    def send(self, host: str, call: Call, reply: Reply) -> None:
        """Takes a request over; it arrives later, twice, or never."""
        if self.cut.get(host) == "refused":
            self._later(reply, ApiUnavailable("connection refused"))
            return
        if host in self.cut or self.world.chance(self.weather.loss):
            return
        self._later(self._arrive, host, call, reply)
        if self.world.chance(self.weather.duplicate):
            self._later(self._arrive, host, call, _unheard)

    def hang_up(self, call: Call) -> None:
        """The client has gone away; the server hears of it a little later."""
        self._later(call.hung_up)

    def _arrive(self, host: str, call: Call, reply: Reply) -> None:
        def back(answer: str | FlowhandError) -> None:
            loss = max(self.weather.loss, self.weather.lost_claims if call.kind == "claim" else 0.0)
            if host not in self.cut and not self.world.chance(loss):
                self._later(reply, answer)

        try:
            self.server.receive(call, back)
        except ConnectionRefusedError:
            back(ApiUnavailable("connection refused"))

    def _later(self, call: Callable[..., object], *args: object) -> None:
        slow = self.world.chance(self.weather.slow)
        delay = self.world.random.uniform(0, self.weather.slow_s) if slow else self.world.random.uniform(*self.weather.delay)
        self.world.loop.outside(delay, call, *args)


def _unheard(_answer: str | FlowhandError) -> None:
    """The answer to a duplicate: nobody waits for it."""
