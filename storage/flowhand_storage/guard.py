"""Where the errors of other people's code become ours: file systems of fsspec, and blocks.

Each back end raises errors of its own, and many quote the address and the options that they were given. So what comes out is a new
error with clean words, and nothing is chained to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flowhand_storage.errors import AccessDenied, FetchFailed, MissingTool, SourceNotFound, SourceUnavailable, StorageError
from flowhand_storage.scrub import Redactor

T = TypeVar("T")

_LONGEST = 300
_DENIED = ("auth", "credential", "permission", "forbidden", "accessdenied", "signature", "invalidaccesskey", "unauthorized")
_AWAY = ("timeout", "connect", "unavailable", "gaierror", "sshexception", "serverdisconnected", "slowdown")
_ABSENT = ("notfound", "nosuch", "filenotfound")


def guarded(what: str, scrub: Redactor, act: Callable[[], T]) -> T:
    """What `act` returns. Whatever it raises becomes an error of this package that begins with `what`, an address without credentials."""
    try:
        return act()
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - code of others, which may raise anything
        failure = _translate(what, scrub, error)
    # Raised here and not above, so that not even its context holds the error that may quote a secret.
    raise failure


def _translate(what: str, scrub: Redactor, error: BaseException) -> StorageError:
    words = _words(error, scrub)
    if isinstance(error, ImportError):
        return MissingTool(f"{what}: {scrub(str(error))}")
    if isinstance(error, FileNotFoundError):
        # Some back ends say "not found" of whatever went wrong, and chain what it was.
        if isinstance(error.__cause__, Exception) and not isinstance(error.__cause__, FileNotFoundError):
            return _translate(what, scrub, error.__cause__)
        return SourceNotFound(f"{what}: not found; check the address, and that the credentials may see it")
    if isinstance(error, TypeError):
        return FetchFailed(f"{what}: {words}; check the settings")
    status = getattr(error, "status", None) or getattr(error, "status_code", None)
    marks = f"{type(error).__name__} {words}".lower().replace(" ", "")
    if isinstance(error, PermissionError) or status in (401, 403) or any(mark in marks for mark in _DENIED):
        return AccessDenied(f"{what}: {words}; check the credentials")
    if status == 404 or any(mark in marks for mark in _ABSENT):
        return SourceNotFound(f"{what}: {words}; check the address, and that the credentials may see it")
    if isinstance(error, ConnectionError | TimeoutError) or (status or 0) >= 500 or any(mark in marks for mark in _AWAY):
        return SourceUnavailable(f"{what}: {words}; try again later")
    return FetchFailed(f"{what}: {words}")


def _words(error: BaseException, scrub: Redactor) -> str:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    text = scrub(f"{type(error).__name__}: {first}" if first else type(error).__name__)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
