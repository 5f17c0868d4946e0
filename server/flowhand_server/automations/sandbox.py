"""The sandbox for templates: Jinja that can neither reach out nor be made to use up the server.

Whoever writes templates may make automations, but does not own the server; what is put in comes from events, that is from anybody. So
only plain data goes in, and of Jinja there is what a short text needs: no macros, imports, blocks, variables or nested loops, no
repetition, only filters and methods that cannot grow a text without bound.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final, cast

import orjson
from jinja2 import ChainableUndefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_RESULT: Final = 1_000_000
"""Characters that a text grows to at most."""
MAX_STEPS: Final = 10_000
"""Numbers that `range` gives at most."""
MAX_NAMES: Final = 200
"""Names in one template: each may stand for as much as an event holds, and a list of them for as often as much."""
MAX_LOOPS: Final = 16

_FILTERS: Final = (
    "abs capitalize count d default e escape first float int items last length list lower map max min reject rejectattr round select "
    "selectattr sort string striptags sum title trim truncate unique upper urlencode wordcount"
)
_METHODS: Final[dict[type, str]] = {
    str: "lower upper title capitalize strip lstrip rstrip split rsplit partition rpartition splitlines startswith endswith removeprefix "
    "removesuffix isdigit isalpha count find",
    dict: "items keys values get",
    list: "index count",
    tuple: "index count",
    datetime: "isoformat date time timestamp year month day hour minute second weekday",
    date: "isoformat year month day weekday",
    time: "isoformat hour minute second",
    timedelta: "total_seconds days seconds",
}
"""By type: what a template may use of a value. What a mapping holds is reached by its name in any case, and before these."""
_ALLOWED: Final = {kind: frozenset(names.split()) for kind, names in _METHODS.items()}
_NODES: Final = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test),
    *(nodes.If, nodes.For, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Div),
    *(nodes.FloorDiv, nodes.Neg, nodes.Pos, nodes.Call, nodes.Keyword, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Slice),
)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's environment, less what it need not be able to do."""

    intercepted_binops = frozenset({"+"})

    def __init__(self) -> None:
        super().__init__(undefined=ChainableUndefined, autoescape=False)
        kept = {name: self.filters[name] for name in _FILTERS.split()}
        self.globals = cast("Any", {"range": bounded_range})
        self.filters = cast("Any", {**kept, "join": joined, "replace": replaced, "tojson": as_json})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`+`, of not too much."""
        if hasattr(left, "__len__") and hasattr(right, "__len__"):
            _check_size(len(left) + len(right))
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What a mapping holds comes before its methods: an event's payload may well have `items`."""
        if isinstance(obj, dict) and attribute in obj:
            return cast("dict[str, Any]", obj)[attribute]
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may use it."""
        if type(obj).__name__ == "LoopContext":
            return not attr.startswith("_")
        return any(attr in _ALLOWED.get(kind, ()) for kind in type(obj).__mro__)

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether a template may call it: `range`, and methods that it may use."""
        return obj is bounded_range or getattr(obj, "__self__", None) is not None


def forbidden(tree: nodes.Template) -> tuple[str, int] | None:
    """What a template uses that it may not, and in which line; None when there is nothing."""
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _NODES):
            return f"may not use {type(node).__name__.lower()}", node.lineno
        if isinstance(node, nodes.For) and (node.recursive or _has_loop(node)):
            return "may not nest loops", node.lineno
    if sum(1 for _ in tree.find_all(nodes.Name)) > MAX_NAMES or sum(1 for _ in tree.find_all(nodes.For)) > MAX_LOOPS:
        return f"may name {MAX_NAMES} things and loop {MAX_LOOPS} times at most", 0
    return None


def _has_loop(loop: nodes.For) -> bool:
    return any(True for child in loop.iter_child_nodes() for _ in child.find_all(nodes.For)) or any(
        isinstance(child, nodes.For) for child in loop.iter_child_nodes()
    )


def bounded_range(*bounds: int) -> range:
    """`range`, of not too many numbers."""
    found = range(*bounds)
    if len(found) > MAX_STEPS:
        raise SecurityError(f"range() of more than {MAX_STEPS} numbers")
    return found


def joined(values: Any, separator: str = "") -> str:
    """`join`, of not too much."""
    texts = [str(value) for value in values]
    _check_size(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def replaced(value: Any, old: str, new: str) -> str:
    """`replace`, of not too much."""
    text = str(value)
    _check_size(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def as_json(value: Any) -> str:
    """`tojson`, of not too much: each time it is used on its own result, it may double."""
    text = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    _check_size(len(text))
    return text


def _check_size(size: int) -> None:
    if size > MAX_RESULT:
        raise SecurityError(f"a text of more than {MAX_RESULT} characters")
