"""A validator of JSON schemas that does so much work and no more, whoever wrote the schema.

What would take longer is let pass: parameters are validated again where the run runs, and a server that waits for one check serves nobody.
Work is counted, not timed, so that the same value is always judged the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from flowhand_server.pattern_effort import LONGEST, effort

_KEYWORDS: Final = 100_000
"""Keywords of schemas that one check may look at: about a second."""
_STEPS: Final = 50_000_000
"""Steps that all patterns of one check may take: a tenth of a second, two at worst."""
_SEARCH: Final = 10_000_000
"""Steps that one search may take: the interpreter is held for so long."""
_LISTED: Final = 8
"""Things that a keyword lists, or compares, for the time of one more keyword."""

Rule = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]


class _Spent(Exception):
    """The check has done the work that it may do."""


class _Meter:
    """What one check may still do."""

    def __init__(self) -> None:
        self.keywords = _KEYWORDS
        self.steps: float = _STEPS
        self.skipped = 0

    def look(self, cost: int) -> None:
        self.keywords -= cost
        if self.keywords < 0:
            raise _Spent

    def may_search(self, pattern: object, text: object) -> bool:
        """Whether to search, which is taken off then. What is no pattern, or no text, is not searched."""
        steps = effort(pattern, len(text)) if isinstance(pattern, str) and isinstance(text, str) else _SEARCH + 1
        if steps > min(_SEARCH, self.steps):
            self.skipped += 1
            return False
        self.steps -= steps
        return True


_METER: ContextVar[_Meter] = ContextVar("_METER")
_RULES: Final[Mapping[str, Rule]] = Draft202012Validator.VALIDATORS


def first_fault(checker: Validator, value: Any) -> ValidationError | None:
    """The first thing that is wrong with the value, as far as the checker gets with the work that it may do."""
    token = _METER.set(_Meter())
    try:
        return next(iter(checker.iter_errors(value)), None)
    except _Spent:
        return None
    finally:
        _METER.reset(token)


def _pattern(validator: Any, pattern: Any, value: Any, schema: Any) -> Iterable[ValidationError] | None:
    return _RULES["pattern"](validator, pattern, value, schema) if _METER.get().may_search(pattern, value) else None


def _pattern_properties(validator: Any, parts: Any, value: Any, schema: Any) -> Iterable[ValidationError] | None:
    if not isinstance(value, dict):
        return None
    meter = _METER.get()
    searched = {pattern: part for pattern, part in parts.items() if all(meter.may_search(pattern, name) for name in value)}
    return _RULES["patternProperties"](validator, searched, value, schema)


def _additional_properties(validator: Any, rest: Any, value: Any, schema: Any) -> Iterable[ValidationError] | None:
    """The library puts the patterns into one, and searches for that."""
    patterns, meter = "|".join(schema.get("patternProperties") or ()), _METER.get()
    if patterns and isinstance(value, dict) and not all(meter.may_search(patterns, name) for name in value):
        return None
    return _RULES["additionalProperties"](validator, rest, value, schema)


def _unique_items(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterable[ValidationError] | None:
    """Items that cannot be sorted are each compared with each."""
    if isinstance(value, list) and not (all(isinstance(item, str) for item in value) or all(type(item) in (int, float) for item in value)):
        _METER.get().look(len(value) ** 2 // _LISTED)
    return _RULES["uniqueItems"](validator, wanted, value, schema)


def _format(validator: Any, name: Any, value: Any, schema: Any) -> Iterable[ValidationError] | None:
    if name == "regex" and isinstance(value, str) and len(value) > LONGEST:
        _METER.get().skipped += 1
        return None
    return _RULES["format"](validator, name, value, schema)


def _reference(validator: Any, target: Any, value: Any, schema: Any) -> Iterable[ValidationError] | None:
    """Only the schemas of schemas still name a dialect, and the library goes on without the meter there: nothing is asked of them."""
    found = validator._resolver.lookup(target).contents  # noqa: SLF001 (rules are given nothing else to follow a reference by)
    if isinstance(found, dict) and "$schema" in found:
        return _passed(validator, target, value, schema)
    return _RULES["$ref"](validator, target, value, schema)


def _passed(validator: Any, rest: Any, value: Any, schema: Any) -> None:
    _METER.get().skipped += 1


def _unless_skipped(rule: Rule) -> Rule:
    """For rules that may be broken because a part fits: they say nothing when something in that part was not looked at."""

    def judge(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterable[ValidationError]:
        meter = _METER.get()
        before = meter.skipped
        faults = list(rule(validator, wanted, value, schema) or ())
        return faults if meter.skipped == before else ()

    return judge


def _metered(rule: Rule) -> Rule:
    def look(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        _METER.get().look(1 + len(wanted) // _LISTED if isinstance(wanted, list | dict) else 1)
        yield from rule(validator, wanted, value, schema) or ()

    return look


_OURS: Final[Mapping[str, Rule]] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
    "format": _format,
    "$ref": _reference,
    "$dynamicRef": _reference,
    **{name: _unless_skipped(_RULES[name]) for name in ("not", "oneOf", "if", "contains", "unevaluatedItems", "unevaluatedProperties")},
}
MeteredValidator: Final[Any] = extend(Draft202012Validator, {name: _metered(rule) for name, rule in {**_RULES, **_OURS}.items()})
"""Draft 2020-12, to be asked by `first_fault` only. No part of its schema may name a dialect: the library would go on without the meter."""
WithoutUnevaluated: Final[Any] = extend(MeteredValidator, {"unevaluatedProperties": _passed})
"""The same for schemas with `patternProperties`, which `unevaluatedProperties` would search for by itself, wherever they are."""
