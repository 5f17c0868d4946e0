"""The flow that is rehearsed once runs are seen to use pydantic.

Its 10 MB and 100 modules make each fork dearer (0.4 ms of CPU), and many workers never need it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from flowhand.sdk.flow import flow


class Item(BaseModel):
    """A model as a parameter."""

    name: str
    size: int = 1


@flow
def typed(count: int, ratio: float, names: list[str], when: datetime, item: Item, switch: bool = False, **rest: Any) -> int:
    """Takes parameters that have to be coerced."""
    return count


FLOWS: Final[dict[str, dict[str, Any]]] = {
    f"{__name__}:typed": {
        "count": "1",
        "ratio": "0.5",
        "names": ("a",),
        "when": "2026-01-01T00:00:00Z",
        "item": {"name": "a"},
        "rest": {"more": 1},
    }
}
