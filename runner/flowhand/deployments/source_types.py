"""Annotations of a source file as types, without running any of it.

Names mean builtins and what the file imports from modules that are known to do nothing when they are imported. What else an annotation
holds, such as a class of the file itself, is left open: `Any`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from importlib import import_module
from typing import Annotated, Any, Final, Union, get_origin

_BUILTINS: Final = {
    kind.__name__: kind for kind in (bool, bytes, complex, dict, float, frozenset, int, list, object, set, str, tuple, type)
} | {"None": None}
_HARMLESS: Final = frozenset(
    {"collections", "datetime", "decimal", "fractions", "ipaddress", "os", "pathlib", "pydantic", "typing", "typing_extensions", "uuid"}
    | {"zoneinfo"}
)


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module or class, those under `if`, `try` and `with` included."""
    for statement in body:
        yield statement
        for field in ("body", "orelse", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.TryStar | ast.With):
                yield from statements(getattr(statement, field, ()))
        if isinstance(statement, ast.Try | ast.TryStar):
            for handler in statement.handlers:
                yield from statements(handler.body)


def imported_names(tree: ast.Module) -> dict[str, str]:
    """By the name that a file knows it under: the dotted name of what it imports."""
    names: dict[str, str] = {}
    for statement in statements(tree.body):
        if isinstance(statement, ast.Import):
            for item in statement.names:
                names[item.asname or item.name.partition(".")[0]] = item.name if item.asname else item.name.partition(".")[0]
        elif isinstance(statement, ast.ImportFrom) and not statement.level:
            for item in statement.names:
                names[item.asname or item.name] = f"{statement.module}.{item.name}"
    return names


class Types:
    """What the names of one file mean."""

    def __init__(self, imported: Mapping[str, str]) -> None:
        self._imported = imported

    def of(self, annotation: ast.expr) -> Any:
        """The type that an annotation says; `Any` for each part of it that cannot be told."""
        match annotation:
            case ast.Constant(value=str(text)):
                return self._of_text(text)
            case ast.Constant(value=value):
                return value
            case ast.Name() | ast.Attribute():
                return self._named(annotation)
            case ast.BinOp(op=ast.BitOr()):
                return Union[self.of(annotation.left), self.of(annotation.right)]  # noqa: UP007  # parts are known at run time only
            case ast.Subscript():
                return self._subscripted(annotation)
            case ast.List():  # the arguments of a Callable
                return [self.of(item) for item in annotation.elts]
            case _:
                return Any

    def _of_text(self, text: str) -> Any:
        try:
            return self.of(ast.parse(text, mode="eval").body)
        except SyntaxError:
            return Any

    def _subscripted(self, annotation: ast.Subscript) -> Any:
        generic = self._named(annotation.value)
        inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        if generic is Any or not inner:
            return Any
        if generic is Annotated:  # its metadata is made by calls, which are not carried out
            return self.of(inner[0])
        if getattr(generic, "_name", None) == "Literal":
            items = [item.value for item in inner if isinstance(item, ast.Constant)]
        else:
            items = [... if isinstance(item, ast.Constant) and item.value is ... else self.of(item) for item in inner]
        try:
            return generic[tuple(items) if len(items) > 1 else items[0]]
        except (TypeError, IndexError):
            return Any

    def _named(self, name: ast.expr) -> Any:
        dotted = ".".join(reversed(list(_parts(name))))
        first, _, rest = dotted.partition(".")
        if first not in self._imported:
            return _BUILTINS.get(dotted, Any)
        found = _harmless(f"{self._imported[first]}.{rest}".rstrip("."))
        return found if isinstance(found, type) or get_origin(found) or getattr(found, "__module__", "") == "typing" else Any


def _parts(name: ast.expr) -> Iterator[str]:
    while isinstance(name, ast.Attribute):
        yield name.attr
        name = name.value
    yield name.id if isinstance(name, ast.Name) else "?"


def _harmless(dotted: str) -> Any:
    """What a dotted name means, when it is a module's that may be imported without a thought; else None."""
    parts = dotted.split(".")
    if parts[0] not in _HARMLESS:
        return None
    module: Any = import_module("collections.abc" if parts[:2] == ["collections", "abc"] else parts[0])
    rest = parts[2:] if parts[:2] == ["collections", "abc"] else parts[1:]
    return reduce(lambda found, part: getattr(found, part, None), rest, module)
