"""Reading a whole list that the API hands out in pages of at most 200 (contract 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flowhand.client.call import Call, Errand, Json, path_of, read_rows

PAGE: Final = 200


def filter_call(path: str, body: Mapping[str, Any], *, limit: int = PAGE, offset: int = 0) -> Call[list[Json]]:
    """One page of a `/filter` route. Entity filters in `body` are joined by AND; what is None is left out."""
    given = {key: value for key, value in body.items() if value is not None}
    return Call("POST", path, read_rows, {**given, "limit": limit, "offset": offset})


def every(path: str, body: Mapping[str, Any], limit: int | None = None) -> Errand[list[Json]]:
    """Up to `limit` rows (None: all), page by page. Rows that appear meanwhile may be missed or met twice."""
    found: list[Json] = []
    while limit is None or len(found) < limit:
        size = PAGE if limit is None else min(PAGE, limit - len(found))
        page: list[Json] = yield filter_call(path, body, limit=size, offset=len(found))
        found += page
        if len(page) < size:
            break
    return found


def filter_path(*nouns: str) -> str:
    """`/nouns/filter`."""
    return path_of(*nouns, "filter")
