"""The store's port: whole transactions, not queries.

A transaction is a plain function that takes a SQLAlchemy `Connection` first. It may be run again from the start when the database asks for
that, so it touches nothing but the connection. What it raises rolls it back, it alone, and reaches the caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection

from .notices import Listener, Notice

P = ParamSpec("P")
T = TypeVar("T")

Transaction = Callable[Concatenate[Connection, P], T]


@dataclass(slots=True, eq=False)
class Work:
    """A transaction bound to its arguments, and the future of whoever waits for its outcome."""

    run: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    outcome: Any = None
    error: Exception | None = None

    def settle(self) -> None:
        """On the loop: hands over the outcome, unless the caller has gone."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.outcome)


Follow = Callable[[Sequence[Notice]], Sequence[Work]]


class Store(Protocol):
    """One database. Both calls are cancellable; a transaction that has begun is finished all the same."""

    kind: Literal["sqlite", "postgresql"]

    async def write(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a transaction that may write; returns when it is durable. StoreUnavailable when the database cannot be written."""
        ...

    async def read(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a transaction that only reads, on one snapshot, beside the writers."""
        ...

    def listen(self, listener: Listener) -> None:
        """Has `listener` called, on the event loop, with the notices of each commit."""
        ...

    def follow(self, follow: Follow) -> None:
        """Has `follow` asked for transactions that are to share the commit of those that posted the notices it is given.

        It is called in another thread than the loop's. A store that has no common commit never calls it.
        """
        ...

    async def close(self) -> None:
        """Finishes what was begun, refuses what comes later. Idempotent."""
        ...
