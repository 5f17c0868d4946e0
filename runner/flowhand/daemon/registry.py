"""The runs a daemon has, and how many more it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import anyio

from flowhand.daemon.run import Run


class Registry:
    """Runs by key. A slot is taken from the claim until the end is stored, so that a retry in place never needs one that is gone."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._runs: dict[str, Run] = {}
        self._listeners: list[Callable[[], None]] = []

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    def __len__(self) -> int:
        return len(self._runs)

    def get(self, key: str) -> Run | None:
        return self._runs.get(key)

    @property
    def free(self) -> int:
        """Slots that are free now; never negative."""
        return max(0, self.limit - len(self._runs))

    def add(self, run: Run) -> None:
        """A run is ours from here on."""
        self._runs[run.key] = run

    def remove(self, run: Run) -> None:
        """Nothing is left to do about it: its slot is free. Idempotent."""
        if self._runs.pop(run.key, None) is not None:
            for listener in self._listeners:
                listener()

    def on_free(self, listener: Callable[[], None]) -> None:
        """Calls `listener` whenever a slot is freed."""
        self._listeners.append(listener)

    async def emptied(self) -> None:
        """Waits until there is no run left."""
        empty = anyio.Event()
        self.on_free(lambda: empty.set() if not self._runs else None)
        if self._runs:
            await empty.wait()
