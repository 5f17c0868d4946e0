"""Every error that code storage raises on purpose.

Each carries one clear line: what is wrong, where, and what to do. None carries a credential: neither its text, nor its attributes,
nor an error chained to it (errors of other libraries are translated, not chained, because they quote addresses and options).
"""

from __future__ import annotations


class StorageError(Exception):
    """The root of all errors of this package."""


class InvalidSource(StorageError, ValueError):
    """An address, a ref or an option that can never work; nothing was asked of anybody."""


class SourceUnavailable(StorageError):
    """The source did not answer in time or broke off: worth another try."""


class AccessDenied(StorageError):
    """The source wants other credentials than it was given."""


class SourceNotFound(StorageError):
    """There is no such repository, bucket, file or folder (or it is not shown to these credentials)."""


class RevisionNotFound(SourceNotFound):
    """The source is there, the branch, tag or commit is not."""


class FetchFailed(StorageError):
    """The source answered, but its files could not be laid out here."""


class UnsafePath(StorageError):
    """A name from outside leads out of the folder that it belongs to."""


class LockTimeout(StorageError):
    """Another process held a lock longer than this one was told to wait."""


class MissingTool(StorageError):
    """A program or an optional package that this source needs is not installed; the text says which."""


class StepError(StorageError):
    """A pull step is wrong or failed."""


class InvalidStep(StepError, ValueError):
    """A pull step that can never run: no such step, or inputs that do not fit it."""


class StepFailed(StepError):
    """A pull step failed. `step` is its name as written, `index` its place from 0, `reason` the cause in one line."""

    def __init__(self, message: str, step: str, index: int, reason: str) -> None:
        super().__init__(message)
        self.step = step
        self.index = index
        self.reason = reason


class CommandFailed(StepError):
    """A program that a step started did not exit with 0. `status` is its exit status, negative for a signal."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
