"""Code storage: fetch a source into a folder and say its revision. Knows nothing of runs.

Names are loaded on first use: who needs one kind of storage does not wait for the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowhand_storage.objects.block_adapter import BlockStorageAdapter
    from flowhand_storage.objects.create import create_storage_from_source
    from flowhand_storage.objects.git_repository import GitRepository
    from flowhand_storage.objects.local_storage import LocalStorage
    from flowhand_storage.objects.remote_storage import RemoteStorage

__all__ = ["BlockStorageAdapter", "GitRepository", "LocalStorage", "RemoteStorage", "create_storage_from_source"]

_HOMES = {
    "BlockStorageAdapter": "flowhand_storage.objects.block_adapter",
    "GitRepository": "flowhand_storage.objects.git_repository",
    "LocalStorage": "flowhand_storage.objects.local_storage",
    "RemoteStorage": "flowhand_storage.objects.remote_storage",
    "create_storage_from_source": "flowhand_storage.objects.create",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'flowhand_storage' has no attribute {name!r}")
    found = getattr(import_module(home), name)
    globals()[name] = found
    return found
