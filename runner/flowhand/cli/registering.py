"""The block classes that a module or a file of the user's defines."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from flowhand.blocks.block import Block
from flowhand.blocks.registry import is_block_class
from flowhand.errors import ConfigurationError


def classes_in(source: str | Path) -> list[type[Block]]:
    """Those that `source` (a module's name, or a file) defines itself, by slug. ConfigurationError when it cannot be loaded or has none."""
    module = _loaded(source)
    found = {one for one in vars(module).values() if is_block_class(one) and one.__module__ == module.__name__ and one.is_concrete()}
    if not found:
        raise ConfigurationError(f"{source} defines no block classes")
    return sorted(found, key=lambda kind: kind.get_block_type_slug())


def _loaded(source: str | Path) -> ModuleType:
    try:
        if isinstance(source, Path):
            return _run(source)
        sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(source)
    except Exception as error:
        raise ConfigurationError(f"{source} cannot be loaded: {type(error).__name__}: {error}") from error


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} is no Python file")
    sys.path.insert(0, str(path.absolute().parent))
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
