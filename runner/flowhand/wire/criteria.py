"""What a filter says about one property: the forms that contract 1 gives them.

An absent or null criterion says nothing. An empty `any_` matches nothing; an empty `not_any_` matches all. The criteria inside one object
are joined by its `operator`, `and_` unless told otherwise. Unknown keys are errors.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flowhand.wire.body import Id, Moment, Operator, Part, Request
from flowhand.wire.states import StateType


class Criterion(Request):
    """What one property must be."""

    operator: Operator = "and_"


class Ids(Criterion):
    """An id out of these, or none of those."""

    any_: list[Id] | None = None
    not_any_: list[Id] | None = None


class OptionalIds(Criterion):
    """An id that may be missing."""

    any_: list[Id] | None = None
    is_null_: bool | None = None


class Texts(Criterion):
    """One text out of these, or none of those."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class OptionalTexts(Criterion):
    """A text that may be missing."""

    any_: list[str] | None = None
    is_null_: bool | None = None


class Names(Criterion):
    """One of these names, or a name that contains a text whatever its case (`%` and `_` stand for what they stand for in SQL)."""

    any_: list[str] | None = None
    like_: Part | None = None


class Keys(Criterion):
    """A key that may be missing."""

    any_: list[str] | None = None
    like_: Part | None = None
    exists_: bool | None = None


class QueueNames(Criterion):
    """One of these names, or one that begins with one of those."""

    any_: list[str] | None = None
    startswith_: list[Part] | None = None


class Tags(Criterion):
    """All of these tags, any of those, or none at all."""

    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: bool | None = None


class Span(Criterion):
    """Not after, and not before."""

    before_: Moment | None = None
    after_: Moment | None = None


class OptionalSpan(Span):
    """A time that may be missing."""

    is_null_: bool | None = None


class Range(Criterion):
    """At least, and at most."""

    ge_: int | None = None
    le_: int | None = None
    is_null_: bool | None = None


class Flag(Criterion):
    """Yes or no."""

    eq_: bool | None = None


class Presence(Criterion):
    """Whether there is one."""

    is_null_: bool | None = None


class Existence(Criterion):
    """Whether there is one, the other way round."""

    exists_: bool | None = None


class Search(Request):
    """Words of which one must be there; `+` before a word makes it a must, `-` or `!` a must not; quotes keep words together."""

    query: Annotated[str, Field(max_length=200)]


class StateTypes(Criterion):
    """A state of one of these types, or none of those."""

    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


class States(Criterion):
    """What state a run is in."""

    type: StateTypes | None = None
    name: Texts | None = None


class Creator(Criterion):
    """Who made a run."""

    id_: list[Id] | None = None
    type_: list[str] | None = None
    is_null_: bool | None = None
