"""Where a flow is written, as an entrypoint."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

from flowhand.sdk.flow import Flow


def entrypoint_of(flow: Flow[..., Any], directory: Path | None = None) -> str:
    """`path/to/file.py:name`, the path counted from `directory` (the working directory unless given), the name qualified.

    A flow that was loaded from an entrypoint keeps it. ValueError for a flow that no other process could load: typed at a prompt or in a
    notebook, made inside a function, or written in a file outside of the directory.
    """
    if flow.entrypoint:
        return flow.entrypoint
    path, directory = _file_of(flow), (directory or Path.cwd()).resolve()
    name = _name_of(flow)
    if not path.is_relative_to(directory):
        raise ValueError(
            f"flow {flow.name!r} is written in {path}, which is outside of the working directory {directory}; start from a folder "
            "that contains it, or use RunnerDeployment.from_entrypoint"
        )
    return f"{path.relative_to(directory).as_posix()}:{name}"


def _file_of(flow: Flow[..., Any]) -> Path:
    try:
        file = inspect.getsourcefile(inspect.unwrap(flow.fn))
    except TypeError:
        file = None
    if file is None or file.startswith("<") or "ipykernel" in file or not Path(file).is_file():
        raise ValueError(
            f"flow {flow.name!r} was typed at a prompt or in a notebook, where no other process finds it; save it in a .py file "
            "and deploy it from there (`from my_file import my_flow`)"
        )
    return Path(file).resolve()


def _name_of(flow: Flow[..., Any]) -> str:
    """The name under which its module has the flow, else the qualified name of its function."""
    fn = inspect.unwrap(getattr(flow.fn, "__func__", flow.fn))
    module = sys.modules.get(fn.__module__)
    named = [name for name, value in vars(module).items() if value is flow] if module else []
    name = named[0] if named and fn.__name__ not in named else fn.__qualname__
    if "<locals>" in name:
        raise ValueError(
            f"flow {flow.name!r} is made inside {name.split('.<locals>')[0]}(), where no other process finds it; "
            "move it to the top level of its file"
        )
    return name
