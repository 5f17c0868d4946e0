"""What is wrong with an automation before it is stored: templates that cannot be read are told to their author, not to the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from flowhand.errors import FlowhandError
from flowhand.wire.automations import Action, AutomationUpdate
from flowhand_server.automations.templating import BadTemplate, compiled, looks_like_one

_TEMPLATES: Final = ("parameters", "job_variables", "subject", "body", "payload", "message")


class BadAction(FlowhandError):
    """An action that could never be carried out."""


def check_templates(body: AutomationUpdate) -> None:
    """BadAction with the action, the field and the line of the first template that cannot be read."""
    for kind in ("actions", "actions_on_trigger", "actions_on_resolve"):
        actions: list[Action] = getattr(body, kind)
        for place, action in enumerate(actions):
            for field in _TEMPLATES:
                _check(f"{kind}.{place}.{field}", getattr(action, field))


def _check(where: str, value: Any) -> None:
    for text in _texts(value):
        try:
            if looks_like_one(text):
                compiled(text)
        except BadTemplate as error:
            line = f" (line {error.line})" if error.line else ""
            raise BadAction(f"{where}: {text[:80]!r} is not a template that can be used: {error}{line}") from None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
