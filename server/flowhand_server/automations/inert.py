"""What templates fill into parameters and job variables stays data: who sends an event must not have secrets or variables read by it.

Workers interpret some values when a run starts: `$ref`, `{{ prefect.blocks.… }}` and `{{ $NAME }}`, a variable of their environment. The
author of an automation may write those; what comes out of a template may not be one.
"""

from __future__ import annotations

import re
from typing import Any, Final, cast

from flowhand_server.automations.templating import BadTemplate

_KEY: Final = "$ref"
_REFERENCE: Final = re.compile(r"\{\{[-+\s]*(\$|(prefect|flowhand)\s*\.)")


def inert(value: Any) -> Any:
    """The value, which was filled in, as it is. BadTemplate when a run would take any of it for a template or a reference."""
    found = _reference_in(value)
    if found is not None:
        raise BadTemplate(f"a template was filled in with {found!r}, which a run would resolve; what is filled in must be plain data")
    return value


def _reference_in(value: Any) -> str | None:
    if isinstance(value, str):
        match = _REFERENCE.search(value)
        return match.group() if match else None
    parts: list[Any] = []
    if isinstance(value, list):
        parts = cast("list[Any]", value)
    elif isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if _KEY in fields:
            return _KEY
        parts = [*fields, *fields.values()]
    return next((found for part in parts if (found := _reference_in(part)) is not None), None)
