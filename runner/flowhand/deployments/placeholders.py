"""Placeholder flows: a flow whose module cannot be imported here can be deployed all the same, as what its source says of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from flowhand.deployments.source_flow import SourceFlow, read_flow
from flowhand.sdk.flow import Flow
from flowhand.sdk.loading import ModuleFailed, is_file, load_flow, split_entrypoint


def load_flow_or_placeholder(entrypoint: str, directory: Path | None = None) -> Flow[..., Any]:
    """The flow at an entrypoint (see `flowhand.sdk.loading.load_flow`). When importing its module fails, a placeholder: a flow with the
    name, the version, the options and the parameters that stand in its source, none of which is run. Calling it raises what the import
    raised. FlowLoadError when there is no such flow, or when the source does not tell enough.
    """
    try:
        return load_flow(entrypoint, directory)
    except ModuleFailed as error:
        made = _placeholder(entrypoint, directory or Path.cwd(), error)
        if made is None:
            raise
        return made


def load_flow_from_entrypoint(entrypoint: str, use_placeholder_flow: bool = True) -> Flow[..., Any]:
    """The flow at an entrypoint, as `load_flow_or_placeholder`, or without placeholders, as `flowhand.sdk.loading.load_flow`."""
    return load_flow_or_placeholder(entrypoint) if use_placeholder_flow else load_flow(entrypoint)


def _placeholder(entrypoint: str, directory: Path, error: ModuleFailed) -> Flow[..., Any] | None:
    place, name = split_entrypoint(entrypoint)
    path = directory / place.replace("\\", "/") if is_file(place) else _file_of(place)
    if path is None:
        return None
    try:
        found = read_flow(path.read_text(encoding="utf-8"), name)
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None
    if found is None:
        return None
    made = Flow(_function(found, path, error.__cause__ or error), **found.options)
    made.entrypoint = entrypoint
    return made


def _file_of(module: str) -> Path | None:
    """The file of a module, found without importing the packages around it."""
    first, *rest = module.split(".")
    spec: ModuleSpec | None = importlib.util.find_spec(first)
    name = first
    for part in rest:
        if spec is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations or [])
    return Path(spec.origin) if spec and spec.origin else None


def _function(found: SourceFlow, path: Path, error: BaseException) -> Callable[..., Any]:
    """A function with the head that stands in the source, which raises when it is called."""

    def plain(*args: Any, **kwargs: Any) -> Any:
        raise error

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        raise error

    made: Any = awaited if found.is_async else plain
    made.__code__ = made.__code__.replace(co_filename=str(path), co_firstlineno=found.line)
    made.__name__ = made.__qualname__ = found.function
    made.__doc__ = found.docstring
    made.__signature__ = found.signature
    return made
