"""What a route's function is called with, found without FastAPI: names and ids of the path, a body, headers, the store, the time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_type_hints

from fastapi import params
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from flowhand.wire.body import Query
from flowhand_server.routes.context import request_time, store_of

_JSON: Final = b"application/json"
_DEPENDENCIES: Final = frozenset({store_of, request_time})


@dataclass(frozen=True, slots=True)
class Call:
    """A route's function, and what it is to be given."""

    endpoint: Callable[..., Any]
    path: Mapping[str, TypeAdapter[Any]]
    body: tuple[str, TypeAdapter[Any]] | None
    reads: bool
    """Whether its body only says what is looked for: an empty one then asks for nothing in particular."""
    headers: Sequence[tuple[str, bytes, str]]
    """Name, header, and what stands for a header that is missing."""
    dependencies: Sequence[tuple[str, Callable[..., Any]]]

    async def arguments(self, request: Request, headers: Mapping[bytes, bytes], found: Mapping[str, Any]) -> dict[str, Any] | None:
        """What to call the function with; None when something about the request is wrong, or to be looked at more closely."""
        sent = self.body is not None and bool(await request.body())
        if self.body is not None and not (self.reads if not sent else headers.get(b"content-type", _JSON) == _JSON):
            return None
        try:
            given = {name: kind.validate_python(found[name]) for name, kind in self.path.items()}
            if self.body is not None:
                name, kind = self.body
                given[name] = kind.validate_python(await request.json() if sent else {})
        except ValueError:  # JSON that is none, or that is not what is asked for
            return None
        for name, header, missing in self.headers:
            given[name] = headers[header].decode("latin-1") if header in headers else missing
        for name, dependency in self.dependencies:
            given[name] = await dependency(request)
        return given


def call_of(route: APIRoute) -> Call | None:
    """How to call a route's function; None when it asks for something that is not given here."""
    dependant, hints = route.dependant, get_type_hints(route.endpoint, include_extras=True)
    dependencies = {each.name or "": each.call for each in dependant.dependencies}
    headers = [each for each in dependant.header_params if isinstance(each.default, str)]
    body = dependant.body_params
    told = len(dependant.path_params) + len(body) + len(dependencies) + len(headers)
    is_whole_body = not body or (len(body) == 1 and isinstance(body[0].field_info, params.Body) and not body[0].field_info.embed)
    if (
        told != len(inspect.signature(route.endpoint).parameters)
        or not is_whole_body
        or not _DEPENDENCIES.issuperset(dependencies.values())
        or hints.get("return") is not Response
    ):
        return None
    kind: Any = hints[body[0].name] if body else None
    return Call(
        endpoint=route.endpoint,
        path={each.name: TypeAdapter(hints[each.name]) for each in dependant.path_params},
        body=(body[0].name, TypeAdapter(kind)) if body else None,
        reads=isinstance(kind, type) and issubclass(kind, Query),
        headers=[(each.name, each.alias.encode(), each.default) for each in headers],
        dependencies=[(name, call) for name, call in dependencies.items() if call],
    )
