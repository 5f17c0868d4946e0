"""What can go wrong with the store, in words."""

from __future__ import annotations

from flowhand.errors import ConfigurationError, FlowhandError


class StoreUnavailable(FlowhandError):
    """The database cannot be asked now; nothing was stored. Worth another try (503 on the wire)."""


class StoreUnusable(ConfigurationError):
    """The database cannot be opened, and waiting will not mend it: corrupt, of a newer version, on a network file system."""


class NotFound(FlowhandError):
    """There is no such thing (404 on the wire). `detail` is what the contract says."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Conflict(FlowhandError):
    """The name is taken or what is referred to is not there (409 on the wire)."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Refused(FlowhandError):
    """The contract refuses this with a status of its own (400, 403, 410, 422, …)."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
