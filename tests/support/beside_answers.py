"""What counts as the same answer: ids, names and moments that a server makes up are replaced by what they stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

FAILED: Final = 500
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_SLUG: Final = re.compile(r"[a-z]+-[a-z]+")
_MEASURED: Final = frozenset(
    {
        *("total_run_time", "estimated_run_time", "estimated_start_time_delta", "delay_seconds"),
        *("sum_estimated_run_time", "sum_estimated_lateness", "lateness", "duration"),
    }
)
"""Seconds that are measured."""
_EXACT_ZERO: Final = frozenset({"total_run_time"})
"""Those of them that are nothing for a reason."""
_SETS: Final = frozenset({"tags", "pause_keys"})
"""Lists in no order."""
_SOON: Final = timedelta(seconds=1)
_FAR: Final = timedelta(days=2)
_SLACK_S: Final = 30
"""What may lie between the answers of both to one call, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call, and what was answered when."""

    said: str
    status: int
    body: Any
    ended: datetime
    unordered: bool = False
    """Whether the order of the answer's list is nobody's promise."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that our server answers otherwise."""

    number: int
    said: str
    where: str
    theirs: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.number} {self.said}\n    {self.where}\n      theirs {_short(self.theirs)}\n        ours {_short(self.ours)}"


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What our server answers otherwise on purpose: patterns of the call and of the place in its answer, and the reason."""

    call: str
    where: str
    why: str

    def covers(self, difference: Difference) -> bool:
        """Whether it is this one."""
        return bool(re.match(self.call, difference.said) and re.search(self.where, difference.where))


class Absent:
    """Stands for what is not there."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = Absent()


def compared(theirs: list[Exchange], ours: list[Exchange], began: datetime) -> list[Difference]:
    """What is otherwise in our answers to the same calls. `began` is when the story did."""
    reader, own = _Reader(began), _Reader(began)
    found: list[Difference] = []
    for number, (known, given) in enumerate(zip(theirs, ours, strict=False)):
        said = reader.words(known.said)
        if known.status >= FAILED and given.status < FAILED:
            continue  # where theirs breaks down there is nothing to compare with
        if known.status != given.status:
            found.append(Difference(number, said, "status", (known.status, known.body), (given.status, given.body)))
            continue
        for where, their, our in _unlike(reader.read(number, known), own.read(number, given), ""):
            found.append(Difference(number, said, where or "body", their, our))
    if len(theirs) != len(ours):
        last = theirs[-1] if len(theirs) < len(ours) else ours[-1]
        found.append(Difference(len(theirs), last.said, "the number of calls", len(theirs), (len(ours), last.body)))
    return found


@dataclass
class _Reader:
    """Reads the answers of one server, one after another. An id is named after the place where it was first seen."""

    began: datetime
    _labels: dict[str, str] = field(default_factory=dict[str, str])
    _sent: set[str] = field(default_factory=set[str])

    def read(self, number: int, exchange: Exchange) -> Any:
        self._sent.add(exchange.said)
        body = exchange.body
        if exchange.unordered and isinstance(body, list):
            body = sorted(body, key=self._masked)
        return self._value(body, f"{number}:", "", exchange.ended)

    def words(self, said: str) -> str:
        """The call, with ids by their names."""
        return _UUID.sub(lambda found: self._labels.get(found.group(), found.group()), said)

    def _value(self, value: Any, path: str, key: str, ended: datetime) -> Any:
        if isinstance(value, dict):
            return {self._text(name, path, ended): self._value(part, f"{path}.{name}", name, ended) for name, part in sorted(value.items())}
        if isinstance(value, list):
            parts = sorted(value, key=str) if key in _SETS else value
            return [self._value(part, f"{path}[{place}]", key, ended) for place, part in enumerate(parts)]
        if isinstance(value, str):
            if key.endswith("name") and _SLUG.fullmatch(value) and not any(value in said for said in self._sent):
                return "<a name>"
            return self._text(value, path, ended)
        if key in _MEASURED and isinstance(value, (int, float)) and not isinstance(value, bool):
            return Rough(value) if value or key not in _EXACT_ZERO else value
        return value

    def _text(self, text: str, path: str, ended: datetime) -> Any:
        if _MOMENT.fullmatch(text):
            return self._moment(text, ended)
        text = _UUID.sub(lambda found: self._label(found.group(), path), text)
        return _MOMENT.sub("<moment>", text)

    def _label(self, key: str, path: str) -> str:
        """What an id is called; one that the story has made up is called what it is."""
        if key not in self._labels:
            self._labels[key] = key if any(key in said for said in self._sent) else f"<{path}>"
        return self._labels[key]

    def _moment(self, text: str, ended: datetime) -> Any:
        moment = datetime.fromisoformat(text).astimezone(UTC)
        if any(_bare(text) in said for said in self._sent) or abs(moment - ended) > _FAR:  # nobody made that of the present
            return moment.isoformat()
        if self.began - _SOON <= moment <= ended + _SOON:
            return "<now>"
        return Rough((moment - ended).total_seconds(), "s from now")

    def _masked(self, value: Any) -> str:
        known = _UUID.sub(lambda found: self._labels.get(found.group(), "<id>"), json.dumps(_unmeasured(value), sort_keys=True))
        return _MOMENT.sub("<moment>", known)


def _unmeasured(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unmeasured(part) for name, part in value.items() if name not in _MEASURED}
    return [_unmeasured(part) for part in value] if isinstance(value, list) else value


def _bare(text: str) -> str:
    """A moment as it was sent, whatever its zone is written like."""
    return text.removesuffix("Z").removesuffix("+00:00")


@dataclass(frozen=True, slots=True, eq=False)
class Rough:
    """A number that may be a little off."""

    value: float
    unit: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rough) and abs(self.value - other.value) <= _SLACK_S and self.unit == other.unit

    def __hash__(self) -> int:
        return hash(self.unit)

    def __repr__(self) -> str:
        return f"<{self.value:.0f} {self.unit}>"


def _unlike(theirs: Any, ours: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted({*theirs, *ours}, key=str):
            yield from _unlike(theirs.get(name, ABSENT), ours.get(name, ABSENT), f"{where}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            yield f"{where} length", theirs, ours
            return
        for place, (their, our) in enumerate(zip(theirs, ours, strict=True)):
            yield from _unlike(their, our, f"{where}[{place}]")
    elif theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool):
        yield where, theirs, ours


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 400 else f"{text[:400]} …"
