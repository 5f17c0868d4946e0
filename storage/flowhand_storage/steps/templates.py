"""Templates in step inputs: `{{ id.output }}`, `{{ $ENV }}`, `{{ prefect.blocks.type.name }}`, `{{ prefect.variables.name }}`.

A text that is one template becomes the value itself, whatever its type; inside a longer text it becomes text. What refers to nothing
that is known here stays as it is: scripts hold templates of other programs, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flowhand_storage.errors import InvalidStep
from flowhand_storage.scrub import is_sensitive
from flowhand_storage.secrets import reveal_all, texts_in
from flowhand_storage.steps.progress import Reference, StepRun

_TEMPLATE = re.compile(r"\{\{\s*([\w.\-\[\]$/]+)\s*\}\}")
_ROOTS = ("prefect.", "flowhand.")
_PARTS = re.compile(r"[^.\[\]]+")
_UNKNOWN = object()
Find = Callable[[str, StepRun], Any]


def filled(value: Any, run: StepRun) -> Any:
    """`value` with all its templates filled in. InvalidStep for one that cannot be: an unset variable, a step without that output."""
    return _filled(value, run, _find)


def filled_for_later(value: Any, run: StepRun) -> Any:
    """The same for steps that somebody else carries out: with what is known here and may be seen, which are the outputs of steps and the
    environment's variables that are set and hold no secret. Blocks, variables of the API and the rest are left for them.
    """
    return _filled(value, run, _known_here)


def _filled(value: Any, run: StepRun, find: Find) -> Any:
    if isinstance(value, str):
        return _fill_text(value, run, find)
    if isinstance(value, Mapping):
        return {str(key): _filled(item, run, find) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, run, find) for item in value]
    return value


def is_template(text: str) -> bool:
    """Whether `text` is one template and nothing else."""
    return _TEMPLATE.fullmatch(text.strip()) is not None


def _fill_text(text: str, run: StepRun, find: Find) -> Any:
    if whole := _TEMPLATE.fullmatch(text.strip()):
        found = find(whole[1], run)
        return text if found is _UNKNOWN else found

    def replaced(match: re.Match[str]) -> str:
        found = find(match[1], run)
        if found is _UNKNOWN:
            return match[0]
        if isinstance(found, Mapping | list):
            raise InvalidStep(f"{match[0]} is no text; it must stand alone, or name a part of it")
        return str(found)

    return _TEMPLATE.sub(replaced, text)


def _find(name: str, run: StepRun) -> Any:
    if name.startswith("$"):
        return _variable_of_environment(name[1:], run)
    for root in _ROOTS:
        if name.startswith((root + "blocks.", root + "variables.")):
            return _outside(name.removeprefix(root), run)
    return _output(name, run)


def _known_here(name: str, run: StepRun) -> Any:
    if name.startswith("$"):
        return _UNKNOWN if is_sensitive(name) else run.context.environ.get(name[1:], _UNKNOWN)
    return _output(name, run)


def _variable_of_environment(name: str, run: StepRun) -> str:
    value = run.context.environ.get(name)
    if value is None:
        raise InvalidStep(f"the environment variable {name} is not set where the steps run")
    if is_sensitive(name):
        run.learn(value)
    return value


def _output(name: str, run: StepRun) -> Any:
    first, *rest = _PARTS.findall(name) or [name]
    if first in run.progress.by_id:
        return _inside(run.progress.by_id[first], rest, name)
    return _inside(run.progress.outputs[first], rest, name) if first in run.progress.outputs else _UNKNOWN


def _outside(name: str, run: StepRun) -> Any:
    if run.context.resolve is None:
        raise InvalidStep(f"{{{{ {name} }}}} cannot be resolved here: there is no API to ask")
    if name.startswith("variables."):
        return run.context.resolve(Reference("variable", name.removeprefix("variables.")))
    parts = _PARTS.findall(name)
    if len(parts) < 3:
        raise InvalidStep(f"{{{{ {name} }}}} names no block; write blocks.<type>.<name>")
    found = reveal_all(run.context.resolve(Reference(parts[1], parts[2])))
    # All that a block holds counts as secret: its fields are not ours to tell apart.
    run.learn(*texts_in(found))
    return _inside(found, parts[3:], name)


def _inside(value: Any, path: list[str], name: str) -> Any:
    for part in path:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            known = ", ".join(map(str, value)) if isinstance(value, Mapping) else "no parts"
            raise InvalidStep(f"{{{{ {name} }}}}: there is no {part}; there is {known or 'nothing'}")
    return value
