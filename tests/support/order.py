"""The order in which the files of tests are begun: what takes long comes first, so that nobody waits for it alone in the end."""

from __future__ import annotations

from typing import Final

import pytest

FOLDERS: Final = ("system", "crash", "integration", "simulation", "contract", "unit")
"""Those of whole systems, which mostly wait, to those that take milliseconds."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, then by folder; within a file, and among equals, as they were found."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> tuple[bool, int]:
        folder = item.path.parent.name
        return item.path not in slow, FOLDERS.index(folder) if folder in FOLDERS else 0

    items.sort(key=place)
