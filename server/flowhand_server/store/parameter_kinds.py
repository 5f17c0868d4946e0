"""Parameters that stand for others: mappings with a `__prefect_kind`, as Prefect's clients write them when a run is asked for.

| kind | stands for |
| --- | --- |
| `none` | its `value`, with all such mappings in it filled in |
| `json` | what its `value`, a text, says in JSON |
| `workspace_variable` | the variable named `variable_name` |
| `jinja` | its `template`, filled in; nothing is known in it |

One that says nothing yet (`json` without a `value`, a variable without a name) is left out of what it stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import orjson
from sqlalchemy import Connection, select

from flowhand_server.automations.templating import BadTemplate, render
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Refused

KIND: Final = "__prefect_kind"
_NOTHING: Final = object()


def filled_in(conn: Connection, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters with everything that stands for another filled in. Refused (400) for what cannot be."""
    if not _has_kinds(parameters):
        return parameters
    found = _fill(conn, parameters)
    return found if isinstance(found, dict) else {}


def _has_kinds(value: Any) -> bool:
    if isinstance(value, dict):
        return KIND in value or any(_has_kinds(one) for one in cast("dict[str, Any]", value).values())
    return isinstance(value, list) and any(_has_kinds(one) for one in cast("list[Any]", value))


def _fill(conn: Connection, value: Any) -> Any:
    if isinstance(value, list):
        found = [_fill(conn, one) for one in cast("list[Any]", value)]
        return [one for one in found if one is not _NOTHING]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    if KIND in fields:
        return _KINDS.get(str(fields[KIND]), _plain)(conn, fields)
    filled = {key: _fill(conn, one) for key, one in fields.items()}
    return {key: one for key, one in filled.items() if one is not _NOTHING}


def _plain(_conn: Connection, fields: Mapping[str, Any]) -> Any:
    return fields.get("value")


def _none(conn: Connection, fields: Mapping[str, Any]) -> Any:
    if "value" not in fields:
        raise _refused("a mapping of the kind none has no value")
    return _fill(conn, fields["value"])


def _json(conn: Connection, fields: Mapping[str, Any]) -> Any:
    text = _fill(conn, fields.get("value", _NOTHING))
    if not isinstance(text, str):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _refused(f"a value of the kind json is no JSON: {error}") from None


def _variable(conn: Connection, fields: Mapping[str, Any]) -> Any:
    name = _fill(conn, fields.get("variable_name", _NOTHING))
    if name is _NOTHING:
        return name
    row = conn.execute(select(t.variable.c.value).where(t.variable.c.name == str(name))).first()
    if row is None:
        raise _refused(f"there is no variable {name!r}")
    return row.value


def _jinja(conn: Connection, fields: Mapping[str, Any]) -> Any:
    if "template" not in fields:
        raise _refused("a mapping of the kind jinja has no template")
    text = _fill(conn, fields["template"])
    try:
        return render(str(text), {})
    except BadTemplate as error:
        raise _refused(f"a template is {error}") from None


def _refused(why: str) -> Refused:
    return Refused(400, f"The parameters of the run cannot be filled in: {why}.")


_KINDS: Final[dict[str, Callable[[Connection, Mapping[str, Any]], Any]]] = {
    "none": _none,
    "json": _json,
    "workspace_variable": _variable,
    "jinja": _jinja,
}
