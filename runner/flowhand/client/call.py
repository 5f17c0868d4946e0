"""Calls and errands: what to ask of the API, without asking.

A `Call` is one request and the way its answer is read. An `Errand` is a generator of calls (and pauses): what takes several requests is
written once as plain code and run by either client, `SyncApiClient.run` or `await ApiClient.run`. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import orjson

T = TypeVar("T")
Json = dict[str, Any]


def read_json(content: bytes) -> Any:
    """The answer's JSON; None for an empty one. ValueError (orjson's) for anything else."""
    return orjson.loads(content) if content else None


class NotTheApi(ValueError):
    """JSON, but not what the API would say: something else answers at its address."""


def read_row(content: bytes) -> Json:
    """One row of the API, which has an id. NotTheApi for other JSON."""
    row = orjson.loads(content)
    if not isinstance(row, dict) or "id" not in row:
        raise NotTheApi
    return row


def read_rows(content: bytes) -> list[Json]:
    """Rows of the API. NotTheApi for other JSON."""
    rows = orjson.loads(content)
    if not isinstance(rows, list):
        raise NotTheApi
    return rows


def read_text(content: bytes) -> str:
    """JSON that is a text. NotTheApi for other JSON."""
    text = orjson.loads(content)
    if not isinstance(text, str):
        raise NotTheApi
    return text


def read_nothing(content: bytes) -> None:
    """For answers that carry nothing (204)."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. `path` is below the API's address and already quoted (see `path_of`)."""

    method: str
    path: str
    parse: Callable[[bytes], T]
    body: Any = None
    """Anything orjson writes; None: no body."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    """Whether sending it twice does no more than sending it once, so that it may be tried again after a lost answer."""
    about: str = ""
    """What it is about, for errors: `work pool 'x'`."""
    timeout_s: float | None = None
    """Seconds to wait for the answer; None: the client's."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait between two calls of an errand, in seconds."""

    seconds: float


Errand = Generator[Call[Any] | Pause, Any, T]
"""Yields calls and is sent what they parse to; errors of a call are raised where it was yielded."""


def path_of(*parts: str) -> str:
    """Segments joined to a path, each quoted whole (a slash in a name does not make a new segment). A last empty one ends it in `/`."""
    return "/" + "/".join(quote(part, safe="") for part in parts)
