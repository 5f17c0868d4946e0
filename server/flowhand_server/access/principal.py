"""Who a request is from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import HTTPConnection

from flowhand_server.store.errors import Refused

from .scopes import EVERYTHING, Scope, covers

PRINCIPAL: Final = "flowhand.principal"
"""Where the guard leaves it in the scope of a request."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who proved who they are. `name` is for the audit trail and holds no secret."""

    name: str
    scopes: frozenset[Scope] = EVERYTHING

    def may(self, needed: Scope) -> bool:
        """Whether what needs this scope is allowed."""
        return covers(self.scopes, needed)

    def lacks(self, needed: Scope) -> str:
        """The refusal in words."""
        return f"{self.name} has the scope {', '.join(sorted(self.scopes)) or 'nothing'}; this needs {needed}"


ANYBODY: Final = Principal("anybody")
"""On a server that asks nobody."""


def demand(connection: HTTPConnection, needed: Scope) -> None:
    """For what a route cannot tell by its path. Refused (403) when the request's sender lacks the scope."""
    principal: Principal = connection.scope.get(PRINCIPAL, ANYBODY)
    if not principal.may(needed):
        raise Refused(403, principal.lacks(needed))
