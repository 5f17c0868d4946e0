"""Remote files, read by fsspec, as a deployment's storage."""

from __future__ import annotations

from typing import Any

from flowhand_storage.objects.pulled import PulledStorage
from flowhand_storage.objects.references import KeepSecret, referenced
from flowhand_storage.paths import label
from flowhand_storage.remote.address import parse_remote
from flowhand_storage.remote.source import remote_source
from flowhand_storage.source import Source

_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs", "adl": "adlfs"}


class RemoteStorage(PulledStorage):
    """The files below a URL: S3, GCS, Azure, HTTP, SFTP, SMB, archives, and whatever else fsspec reads.

    `settings` go to the file system; a value may be a secret or a block. `pull_interval` is in seconds.
    """

    def __init__(self, url: str, pull_interval: int | None = 60, **settings: Any) -> None:
        """InvalidSource (a ValueError) for an address that can never work."""
        self._url = url
        self._settings = settings
        self._address = parse_remote(url, settings)
        self._source = remote_source(url, settings)
        super().__init__(label(self._source.label), pull_interval)

    def source(self) -> Source:
        return self._source

    def to_pull_step(self, keep: KeepSecret | None = None) -> dict[str, Any]:
        """A `pull_from_remote_storage` step, with the package that it needs. `keep` as of `GitRepository.to_pull_step`."""
        in_url = {name: value for name, value in self._address.options.items() if name not in self._settings}
        settings = referenced(in_url | self._settings, keep)
        inputs: dict[str, Any] = {"url": referenced(self._address.whole, keep, secret=self._address.signed)} | settings
        if package := _PACKAGES.get(self._address.scheme):
            inputs["requires"] = package
        return {"prefect.deployments.steps.pull_from_remote_storage": inputs}

    def __repr__(self) -> str:
        return f"RemoteStorage(url={self._address.shown!r})"
