"""The store's port: whole transactions, not queries.

A transaction is a plain function that takes a SQLAlchemy `Connection` first. It may be run again from the start when the database asks for
that, so it touches nothing but the connection. What it raises rolls it back, it alone, and reaches the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection

P = ParamSpec("P")
T = TypeVar("T")

Transaction = Callable[Concatenate[Connection, P], T]


class Store(Protocol):
    """One database. Both calls are cancellable; a transaction that has begun is finished all the same."""

    async def write(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a transaction that may write; returns when it is durable. StoreUnavailable when the database cannot be written."""
        ...

    async def read(self, transaction: Transaction[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a transaction that only reads, on one snapshot, beside the writers."""
        ...

    async def close(self) -> None:
        """Finishes what was begun, refuses what comes later. Idempotent."""
        ...
