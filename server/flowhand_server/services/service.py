"""The one contract of all services: what is done again and again beside the requests."""

from __future__ import annotations

from typing import Protocol


class Service(Protocol):
    """Work that is done in rounds. `Crew` starts, supervises and stops it."""

    name: str

    async def round(self) -> float:
        """Does what there is to do, and returns how many seconds later to come again.

        Interrupting it loses nothing: each piece of work is one transaction. What it raises is logged, and it is tried again.
        """
        ...
