"""Storage objects, under the path that users of Prefect know."""

from flowhand_storage import BlockStorageAdapter, GitRepository, LocalStorage, RemoteStorage, create_storage_from_source

__all__ = ["BlockStorageAdapter", "GitRepository", "LocalStorage", "RemoteStorage", "create_storage_from_source"]
