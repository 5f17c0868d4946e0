"""Compares what two OpenAPI documents say, as `openapi_facts` puts it: what ours does otherwise than the contract's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from support.openapi_facts import Facts


@dataclass
class Comparison:
    """Walks the types of both documents side by side; names of schemas do not count, what is in them does."""

    theirs: Facts
    ours: Facts
    _seen: set[tuple[str, str, bool]] = field(default_factory=set[tuple[str, str, bool]])

    def operation(self, name: str) -> Iterator[str]:
        """What is different in one operation, a line each."""
        theirs, ours = self.theirs["operations"][name], self.ours["operations"][name]
        if missing := set(theirs["codes"]) - set(ours["codes"]):
            yield f"codes: no {', '.join(sorted(missing))}"
        if missing := set(theirs.get("query", ())) - set(ours.get("query", ())):
            yield f"query: no {', '.join(sorted(missing))}"
        for part in ("body", "answer"):
            if part in theirs:
                self._seen.clear()
                yield from self._types(theirs[part], ours.get(part, "nothing"), part, sent=part == "body")

    def _types(self, theirs: str, ours: str, path: str, *, sent: bool) -> Iterator[str]:
        if (theirs == ours and "#" not in ours) or "any" in (theirs.rstrip("?"), ours.rstrip("?")):
            return
        if sent and theirs.endswith("?") and not ours.endswith("?"):
            yield f"{path}: null is refused"
        if not sent and ours.endswith("?") and not theirs.endswith("?"):
            yield f"{path}: may be null"
        mine, yours = ours.rstrip("?"), theirs.rstrip("?")
        if mine == yours and "#" not in mine:
            return
        key = (yours, mine, sent)
        if key in self._seen:
            return
        self._seen.add(key)
        if yours[0] == mine[0] and yours[0] in "[<":
            yield from self._types(yours[1:-1], mine[1:-1], f"{path}[]", sent=sent)
            return
        known, given = self._resolve(self.theirs, yours), self._resolve(self.ours, mine)
        if isinstance(known, dict) and isinstance(given, dict):
            yield from self._fields(known, given, path, sent=sent)
        elif isinstance(known, str) and isinstance(given, str) and (known, given) != (yours, mine):
            yield from self._types(known, given, path, sent=sent)
        elif not _fits(known, given):
            yield f"{path}: {given if isinstance(given, str) else 'fields'} instead of {known if isinstance(known, str) else 'fields'}"

    def _fields(self, theirs: dict[str, str], ours: dict[str, str], path: str, *, sent: bool) -> Iterator[str]:
        mine = {name.rstrip("*"): (kind, name.endswith("*")) for name, kind in ours.items()}
        known = {name.rstrip("*"): (kind, name.endswith("*")) for name, kind in theirs.items()}
        for name, (kind, required) in known.items():
            if name not in mine:
                yield f"{path}.{name}: missing"
                continue
            if sent and mine[name][1] and not required:
                yield f"{path}.{name}: required"
            yield from self._types(kind, mine[name][0], f"{path}.{name}", sent=sent)
        if sent:
            yield from (f"{path}.{name}: required" for name, (_, needed) in mine.items() if needed and name not in known)

    def _resolve(self, facts: Facts, kind: str) -> Any:
        while isinstance(kind, str) and kind.startswith("#") and "|" not in kind:
            kind = facts["schemas"][kind[1:].rstrip("?")]
        return kind


def _fits(theirs: Any, ours: Any) -> bool:
    """Numbers are numbers, and whatever has fields is an object; of a choice nothing more is said."""
    if isinstance(ours, dict) or isinstance(theirs, dict):
        return all(isinstance(one, dict) or one == "obj" or one[0] in "<#" or "|" in one for one in (theirs, ours))
    if "|" in theirs or "|" in ours:
        return True
    return {theirs, ours} <= {"int", "num"} or ({theirs[0], ours[0]} <= {"o", "<"} and "nothing" not in (theirs, ours))
