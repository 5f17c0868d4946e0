"""Every error that flowhand raises on purpose.

Each carries one clear line: what is wrong, where, and what to do. `FlowhandError` is the root; what it carries beyond its text are
attributes. Errors that belong to one room alone may live there, but derive from here.
"""

from __future__ import annotations


class FlowhandError(Exception):
    """The root of all errors that flowhand raises on purpose."""


class ConfigurationError(FlowhandError):
    """A setting is missing or wrong; waiting will not mend it."""


# --- the API ------------------------------------------------------------------------------------------------------------------------


class ApiError(FlowhandError):
    """The API could not be asked or said no. `reasons` are the server's words, each thing that is wrong by itself."""

    reasons: tuple[str, ...] = ()


class ApiUnavailable(ApiError):
    """No answer, or one that asks to come again (connect errors, time-outs, 408, 429, 5xx): worth another try.

    `retry_after` is the server's own wish in seconds, or None.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ApiRefused(ApiError):
    """The API answered with a status that another try will not change. `status` is the HTTP status, `detail` the server's words."""

    def __init__(self, message: str, status: int, detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail


class Unauthorized(ApiRefused):
    """401 or 403: the credentials are missing, wrong or too weak."""


class ObjectNotFound(ApiRefused):
    """404: the API knows no such thing."""

    def __init__(self, message: str, status: int = 404, detail: str = "") -> None:
        super().__init__(message, status, detail)


class ObjectAlreadyExists(ApiRefused):
    """409: the name is taken, or what it refers to is gone."""

    def __init__(self, message: str, status: int = 409, detail: str = "") -> None:
        super().__init__(message, status, detail)


class ServerUnusable(ApiError):
    """The embedded server cannot be brought up (its home, its port or its database); the text says what to do."""


# --- flows --------------------------------------------------------------------------------------------------------------------------


class FlowLoadError(FlowhandError):
    """A flow could not be loaded from its entrypoint: no such file, no such name, or its module failed to import."""


class PullStepFailed(FlowhandError):
    """A pull step of a run's deployment is wrong or failed; the text names it, with its inputs less what is secret."""


class ParameterError(FlowhandError, TypeError):
    """Parameters that do not fit the flow's signature: unknown, missing, or of a type that cannot be coerced."""


class MissingContextError(FlowhandError, RuntimeError):
    """Something that belongs to a run was asked for outside of one."""


class UnfinishedRun(FlowhandError):
    """A result was asked of a run that has none."""


class FailedRun(FlowhandError):
    """A run ended Failed and its result was asked for."""


class CancelledRun(FlowhandError):
    """A run was cancelled and its result was asked for."""


class FlowTimeout(FlowhandError, TimeoutError):
    """A flow ran longer than its `timeout_seconds`."""


# --- deployments --------------------------------------------------------------------------------------------------------------------


class DeploymentApplyError(FlowhandError, RuntimeError):
    """The server refused a deployment."""


class ProjectError(ConfigurationError):
    """A project file that cannot be read or carried out; the text begins with the file and the line."""


class EngineUnavailable(FlowhandError):
    """No container engine answers."""


class ImageBuildError(FlowhandError, RuntimeError):
    """An image could not be built; the text has the failing step and the end of its output."""


class PushError(FlowhandError, OSError):
    """The registry did not take an image; the text has its words."""


class BlockMissingCapabilities(FlowhandError):
    """A block cannot do what is asked of it (such as put a directory)."""


# --- the daemon ---------------------------------------------------------------------------------------------------------------------


class InstanceInUse(FlowhandError):
    """Another live daemon holds this instance (home, kind, pool and name)."""


class KeeperError(FlowhandError):
    """The keeper could not be started, reached or understood."""


class LaunchError(FlowhandError):
    """A run's process could not be started; the text becomes the run's state message."""


class StartUnsure(LaunchError):
    """A run's process may have begun or not: what starts it has gone without an answer. The launcher's events tell how it ended."""
