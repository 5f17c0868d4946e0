"""What clients of 2.x send and those of 3.x may not (contract 3, 11)."""

from __future__ import annotations

from typing import Any, Final

_STATE_EXTRAS: Final = frozenset({"id", "timestamp"})
"""A 2.x client may give both with a state that it proposes. The server's own are used, as for everybody."""


def is_legacy(user_agent: str) -> bool:
    """Whether a client of 2.x asks."""
    return user_agent.startswith("prefect/2.")


def adapted(body: Any) -> Any:
    """The body of a 2.x client, without what only its own server would take."""
    state: Any = body.get("state") if isinstance(body, dict) else None
    if not isinstance(state, dict) or not _STATE_EXTRAS & state.keys():
        return body
    return {**body, "state": {name: value for name, value in state.items() if name not in _STATE_EXTRAS}}
