"""How much work a regular expression may be, told beforehand. Pure.

Python's engine tries one way after the other and holds the interpreter meanwhile: 30 letters keep `(a+)+$` busy for minutes, and nothing
else runs. So a pattern from outside is only searched for where the ways that it may go have been counted, and are few.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from re import _constants as codes  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] # typeshed lacks these two
from re import _parser  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]
from typing import Any, Final

LONGEST: Final = 1000
"""Letters of a pattern that is looked at, or compiled: that takes time as well."""
_REPEATS: Final = frozenset({codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT})
_SINGLE: Final = frozenset({codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.AT, codes.FAILURE})
_MANY_BITS: Final = 60


@lru_cache(maxsize=4096)
def effort(pattern: str, length: int) -> float:
    """The steps that a search in a text of so many letters takes at most. Infinite where that is not known, or the pattern is none."""
    parsed = _parsed(pattern)
    if parsed is None:
        return math.inf
    starts = 1 if _is_anchored(parsed) else length + 1
    return length + starts * _of_sequence(parsed, length)[1]


@lru_cache(maxsize=512)
def _parsed(pattern: str) -> Any:
    if len(pattern) > LONGEST:
        return None
    try:
        return _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return None


def _is_anchored(parsed: Any) -> bool:
    beginning = {codes.AT_BEGINNING_STRING} if parsed.state.flags & re.MULTILINE else {codes.AT_BEGINNING, codes.AT_BEGINNING_STRING}
    return len(parsed) > 0 and parsed[0][0] is codes.AT and parsed[0][1] in beginning


def _of_sequence(parts: Any, length: int) -> tuple[float, float]:
    """In how many ways the parts may fit from one place on, and the steps to try them all: each part is tried after each way before it."""
    ways, steps = 1.0, 1.0
    for code, argument in parts:
        more_ways, more_steps = _of(code, argument, length)
        steps += ways * more_steps
        ways *= more_ways
    return ways, steps


def _of(code: Any, argument: Any, length: int) -> tuple[float, float]:
    if code in _SINGLE:
        return 1, 1
    if code is codes.IN:
        return 1, len(argument)
    if code in _REPEATS:
        return _of_repeat(argument, length)
    if code is codes.SUBPATTERN:
        return _of_sequence(argument[-1], length)
    if code is codes.ATOMIC_GROUP:
        return _of_sequence(argument, length)
    if code is codes.BRANCH:
        found = [_of_sequence(choice, length) for choice in argument[1]]
        return sum(ways for ways, _ in found), sum(steps for _, steps in found)
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return 1, _of_sequence(argument[1], length)[1]
    return math.inf, math.inf


def _of_repeat(argument: Any, length: int) -> tuple[float, float]:
    """A part that takes letters is repeated while there are any; one that takes none is, as often as it is allowed to."""
    least, most, part = argument
    narrow = part.getwidth()[0]
    unbounded = most is codes.MAXREPEAT
    times = min(most, length // narrow + 1) if narrow else max(least, length + 1) if unbounded else most
    ways, steps = _of_sequence(part, length)
    if ways == 1:
        return max(1, times - least + 1), (times + 1) * steps
    if math.isinf(ways) or times * math.log2(ways) > _MANY_BITS:
        return math.inf, math.inf
    all_ways = (ways ** (times + 1) - 1) / (ways - 1)
    return all_ways, all_ways * steps
