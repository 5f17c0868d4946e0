"""A flow as its source file tells of it, without running any of it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flowhand.deployments.source_types import Types, imported_names, statements

Function = ast.FunctionDef | ast.AsyncFunctionDef

_OPTIONS: Final = frozenset(
    {"name", "version", "description", "flow_run_name", "retries", "retry_delay_seconds", "timeout_seconds"}
    | {"validate_parameters", "log_prints", "persist_result"}
)


@dataclass(frozen=True, slots=True)
class SourceFlow:
    """What stands in the file: the options of `@flow` that are plain values, and the function's head."""

    options: dict[str, Any]
    function: str
    is_async: bool
    line: int
    docstring: str | None
    signature: inspect.Signature


class Unknown:
    """Stands for a default that the source does not say as a plain value: there is one, but not what it is."""

    def __repr__(self) -> str:
        return "..."


def read_flow(source: str, name: str) -> SourceFlow | None:
    """The flow `name` (qualified, for one of a class) of a file; None when the file does not tell enough of it.

    That is so for a flow which is not a decorated function, or whose name is computed. SyntaxError for what is no Python.
    """
    tree = ast.parse(source)
    imported = imported_names(tree)
    found = _function(tree, name)
    if found is None:
        return None
    function, in_class = found
    decorator = next((item for item in function.decorator_list if _is_flow(item, imported)), None)
    if decorator is None:
        return None
    constants = _constants(tree)
    given = {item.arg: item.value for item in decorator.keywords if item.arg in _OPTIONS} if isinstance(decorator, ast.Call) else {}
    options = {option: value for option, node in given.items() if (value := _value(node, constants)) is not _UNKNOWN}
    if "name" in given and "name" not in options:
        return None
    return SourceFlow(
        options,
        function.name,
        isinstance(function, ast.AsyncFunctionDef),
        function.lineno,
        ast.get_docstring(function, clean=False),
        _signature(function, Types(imported), constants, is_method=in_class and not _has(function, "staticmethod")),
    )


_UNKNOWN: Final = Unknown()


def _function(tree: ast.Module, name: str) -> tuple[Function, bool] | None:
    body: Iterable[ast.stmt] = tree.body
    *classes, last = name.split(".")
    for part in classes:
        owner = next((item for item in statements(body) if isinstance(item, ast.ClassDef) and item.name == part), None)
        if owner is None:
            return None
        body = owner.body
    found = next((item for item in statements(body) if isinstance(item, Function) and item.name == last), None)
    return None if found is None else (found, bool(classes))


def _is_flow(decorator: ast.expr, imported: Mapping[str, str]) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(called, ast.Attribute):
        return called.attr == "flow"
    return isinstance(called, ast.Name) and imported.get(called.id, called.id).rpartition(".")[2] == "flow"


def _has(function: Function, decorator: str) -> bool:
    return any(isinstance(item, ast.Name) and item.id == decorator for item in function.decorator_list)


def _constants(tree: ast.Module) -> dict[str, Any]:
    """The names of the file that stand for plain values."""
    found: dict[str, Any] = {}
    for statement in statements(tree.body):
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=node) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as node):
                found[name] = _value(node, found)
            case _:
                pass
    return found


def _value(node: ast.expr, constants: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return constants.get(node.id, _UNKNOWN)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return _UNKNOWN


def _signature(function: Function, types: Types, constants: Mapping[str, Any], *, is_method: bool) -> inspect.Signature:
    parameters = list(_parameters(function.args, types, constants))
    return inspect.Signature(parameters[1:] if is_method else parameters)


def _parameters(given: ast.arguments, types: Types, constants: Mapping[str, Any]) -> Iterator[inspect.Parameter]:
    kinds = inspect.Parameter

    def made(item: ast.arg, kind: Any, default: ast.expr | None) -> inspect.Parameter:
        value = kinds.empty if default is None else _value(default, constants)
        return kinds(item.arg, kind, default=value, annotation=types.of(item.annotation) if item.annotation else kinds.empty)

    plain = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(plain) - len(given.defaults)), *given.defaults]
    for index, (item, default) in enumerate(zip(plain, defaults, strict=True)):
        yield made(item, kinds.POSITIONAL_ONLY if index < len(given.posonlyargs) else kinds.POSITIONAL_OR_KEYWORD, default)
    if given.vararg:
        yield made(given.vararg, kinds.VAR_POSITIONAL, None)
    for item, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield made(item, kinds.KEYWORD_ONLY, default)
    if given.kwarg:
        yield made(given.kwarg, kinds.VAR_KEYWORD, None)
