"""Loading a flow from its entrypoint: `path/to/file.py:qualified.name`, `package.module:name` or `package.module.name`."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import inspect
import os
import sys
import time
import traceback
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from flowhand.errors import FlowLoadError
from flowhand.sdk.context import process
from flowhand.sdk.flow import Flow

FRESH_S: Final = 2.0


class ModuleFailed(FlowLoadError):
    """A flow's module is there and raised while it was imported: `__cause__` is what it raised."""


def load_flow(entrypoint: str, directory: Path | None = None) -> Flow[..., Any]:
    """Imports the module and answers the flow, which remembers the entrypoint. Paths count from `directory`, else the working directory.

    The module gets the name that `import` in that folder would give it, so that what it defines can be pickled. FlowLoadError says what is
    missing and, where it can, what was meant; its cause is the module's own error.
    """
    place, name = split_entrypoint(entrypoint)
    module = _from_file(place, entrypoint, directory) if is_file(place) else _from_module(place, entrypoint)
    flow = _find(module, name, entrypoint)
    flow.entrypoint = entrypoint
    return flow


def split_entrypoint(entrypoint: str) -> tuple[str, str]:
    """The file or module, and the name in it. FlowLoadError when it is neither form."""
    place, colon, name = entrypoint.rpartition(":")
    if not colon:
        if is_file(entrypoint):
            raise FlowLoadError(f"entrypoint {entrypoint!r} names no flow: write {entrypoint}:my_flow")
        place, _, name = entrypoint.rpartition(".")
    if not place or not name:
        raise FlowLoadError(f"entrypoint {entrypoint!r} is neither path/to/file.py:my_flow nor package.module:my_flow")
    return place, name


def is_file(place: str) -> bool:
    """Whether the left side of an entrypoint is a file, not a module."""
    return place.endswith(".py") or "/" in place or "\\" in place


# --- modules --------------------------------------------------------------------------------------------------------------------------


# Every run comes through here. Paths are text: pathlib takes ten times as long, which is a millisecond in a process just forked.


def _from_file(place: str, entrypoint: str, directory: Path | None) -> ModuleType:
    base = os.getcwd() if directory is None else str(directory)
    given = os.path.join(base, place.replace("\\", "/"))
    if not os.path.isfile(given):
        raise FlowLoadError(f"there is no file {place!r} in {base} (entrypoint {entrypoint!r})")
    path = os.path.realpath(given)
    root = _root(path, base if directory is None else os.path.realpath(base))  # getcwd(3) answers a path without links
    name = _true_name(path, root)
    for folder in (base, root, os.path.dirname(path)):
        if folder not in sys.path:
            sys.path.append(folder)
        sys.path_importer_cache.pop(folder, None)  # files may be newer than a listing that was read before the fork
    loaded = sys.modules.get(name)
    if loaded is not None:
        # The name may belong to another module, such as logging.
        return loaded if _is_from(loaded, path) else _under(f"flowhand_flow_{_stem(path)}", path, entrypoint)
    if "." in name:
        with _importing(entrypoint, path):
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.origin is not None and os.path.realpath(spec.origin) == path:
                return importlib.import_module(name)
    return _under(name, path, entrypoint)


def _under(name: str, path: str, entrypoint: str) -> ModuleType:
    """The file as a module of that name, whatever `import` would find under it."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FlowLoadError(f"{path} is not a Python file (entrypoint {entrypoint!r})")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    with _importing(entrypoint, path):
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
    return module


def _root(path: str, folder: str) -> str:
    """Where the file's packages are imported from: the `src` above them that is no package itself (src layout), else the folder."""
    start = path.rfind(f"{os.sep}src{os.sep}", len(folder.rstrip(os.sep)))
    if start < 0 or not path.startswith(folder):
        return folder
    src = path[: start + len("/src")]
    package = os.path.join(src, path[len(src) + 1 :].partition(os.sep)[0])
    is_layout = os.path.isfile(os.path.join(package, "__init__.py")) and not os.path.isfile(os.path.join(src, "__init__.py"))
    return src if is_layout else folder


def _true_name(path: str, folder: str) -> str:
    """What `import` calls the file from within the folder; its stem when it lies elsewhere or no such name can be written."""
    root = folder.rstrip(os.sep) + os.sep
    if path.startswith(root):
        parts = os.path.splitext(path.removeprefix(root))[0].split(os.sep)
        if all(part.isidentifier() for part in parts) and _is_free(parts[0], folder):
            return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
    stem = _stem(path)
    return stem if stem.isidentifier() else f"flowhand_flow_{abs(hash(path)):x}"


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _is_free(package: str, folder: str) -> bool:
    """Whether a top-level name means this folder's: neither loaded from elsewhere nor a package that is found elsewhere first."""
    loaded = sys.modules.get(package)
    if loaded is not None:
        return _is_below(loaded, folder)
    if os.path.isfile(os.path.join(folder, f"{package}.py")) or os.path.isfile(os.path.join(folder, package, "__init__.py")):
        return True
    spec = importlib.util.find_spec(package)
    return spec is None or spec.origin is None  # a namespace package, or nothing yet


def _is_below(module: ModuleType, folder: str) -> bool:
    places = [module.__file__] if getattr(module, "__file__", None) else list(getattr(module, "__path__", []))
    return any(place and Path(place).resolve().is_relative_to(folder) for place in places)


def _is_from(module: ModuleType, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and os.path.realpath(file) == path


def _from_module(place: str, entrypoint: str) -> ModuleType:
    try:
        known = importlib.util.find_spec(place) is not None
    except ModuleNotFoundError as error:
        known = error.name is not None and not f"{place}.".startswith(f"{error.name}.")
    except (ImportError, ValueError, AttributeError):
        known = True  # importing it tells what is wrong
    if not known:
        raise FlowLoadError(f"there is no module {place!r} (entrypoint {entrypoint!r}); is it installed, or in the working directory?")
    with _importing(entrypoint, None):
        return importlib.import_module(place)


@contextlib.contextmanager
def _importing(entrypoint: str, path: str | None) -> Generator[None, None, None]:
    """Whatever a module raises while it is imported becomes a FlowLoadError in words; calls of flows in there are ignored."""
    before, process.loading = process.loading, path or entrypoint
    wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, sys.dont_write_bytecode or _is_fresh(path)
    try:
        yield
    except FlowLoadError:
        raise
    except Exception as error:  # user code meets ours: importing it
        raise ModuleFailed(_why(error, entrypoint, path)) from error
    except SystemExit as error:
        raise FlowLoadError(f"{path or entrypoint} called sys.exit({error.code!r}) while it was imported") from error
    finally:
        process.loading = before
        sys.dont_write_bytecode = wrote


def _is_fresh(path: str | None) -> bool:
    """Whether the file may change once more within the second of its stamp. Bytecode is known by that second and the size alone
    (PEP 3147), so what is cached now could hide the next change for ever."""
    if path is None:
        return False
    try:
        return time.time() - os.stat(path).st_mtime < FRESH_S
    except OSError:
        return False


def _why(error: Exception, entrypoint: str, path: str | None) -> str:
    where = path or f"the module of {entrypoint!r}"
    if isinstance(error, SyntaxError):
        return f"{error.filename or where}, line {error.lineno}: {error.msg}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if path is not None and frame.filename == path]
    line = f", line {frames[-1].lineno}" if frames else ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"{where}{line}: there is no module {error.name!r}; install it for {sys.executable} or put it beside the flow"
    return f"{where}{line}: importing it failed with {type(error).__name__}: {error}"


# --- the name in it -------------------------------------------------------------------------------------------------------------------


def _find(module: ModuleType, name: str, entrypoint: str) -> Flow[..., Any]:
    owner: Any = None
    found: Any = module
    for part in name.split("."):
        owner = found
        try:
            found = getattr(found, part)
        except AttributeError:
            raise FlowLoadError(_nothing_named(module, name, part, entrypoint)) from None
    if isinstance(owner, type):
        return _method(owner, name.rpartition(".")[2], found, entrypoint)
    if isinstance(found, Flow):
        return found
    what = "a function without @flow" if inspect.isroutine(found) else f"a {type(found).__name__}, not a flow"
    raise FlowLoadError(f"{name!r} in {split_entrypoint(entrypoint)[0]} is {what}{_did_you_mean(module, name)}")


def _method(owner: type, name: str, found: Any, entrypoint: str) -> Flow[..., Any]:
    """A flow of a class: bound to an instance made without arguments, if it wants one."""
    if not isinstance(found, Flow):
        found = getattr(found, "__func__", found)  # a classmethod around a flow, as Python 3.13 leaves it
        if isinstance(found, Flow):
            return found.__get__(owner, type(owner))
        raise FlowLoadError(f"{owner.__name__}.{name} is not a flow (entrypoint {entrypoint!r})")
    if inspect.getattr_static(owner, name) is not found or found.is_static:
        return found
    try:
        return found.__get__(owner(), owner)
    except TypeError as error:
        raise FlowLoadError(
            f"{owner.__name__}.{name} needs an instance, and {owner.__name__}() cannot be made without arguments ({error}); "
            "make it a classmethod or a staticmethod"
        ) from error


def _nothing_named(module: ModuleType, name: str, part: str, entrypoint: str) -> str:
    where = split_entrypoint(entrypoint)[0]
    missing = f"no {part!r} in {name!r}" if part != name else f"no {name!r}"
    return f"there is {missing} in {where}{_did_you_mean(module, name)}"


def _did_you_mean(module: ModuleType, name: str) -> str:
    flows = [key for key, value in vars(module).items() if isinstance(value, Flow)]
    near = difflib.get_close_matches(name, flows, 1, cutoff=0.5) or difflib.get_close_matches(name.replace("-", "_"), flows, 1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; its flows are {', '.join(sorted(flows))}" if flows else "; it has no flows"
