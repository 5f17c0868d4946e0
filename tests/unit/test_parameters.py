"""Parameters: their schema, their binding, their coercion."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from flowhand import flow
from flowhand.errors import ParameterError
from flowhand.sdk.docstrings import parameter_descriptions
from flowhand.sdk.parameters import as_parameters, bind, bind_parameters, signature_of, validate


class Color(Enum):
    RED = "red"


class Item(BaseModel):
    name: str
    size: int = Field(default=1, gt=0)


@dataclass
class Point:
    x: int
    y: int = 0


class Opaque:
    pass


def test_the_schema_has_titles_types_defaults_positions_and_descriptions() -> None:
    """As deployments carry it (contract 2.1)."""

    @flow
    def made(n: int, word: str = "a", ratio: float | None = None, when: date = date(2026, 1, 2)) -> None:
        """Does.

        Args:
            n: how many,
                at most
            word (str): which
        """

    assert made.parameters == {
        "title": "Parameters",
        "type": "object",
        "required": ["n"],
        "properties": {
            "n": {"title": "n", "position": 0, "type": "integer", "description": "how many, at most"},
            "word": {"title": "word", "position": 1, "type": "string", "default": "a", "description": "which"},
            "ratio": {"title": "ratio", "position": 2, "anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
            "when": {"title": "when", "position": 3, "type": "string", "format": "date", "default": "2026-01-02"},
        },
    }


def test_models_are_definitions_and_odd_types_are_left_open() -> None:
    """A model is referred to; what JSON Schema cannot say takes anything; a default without a JSON form is left out."""

    @flow
    def made(item: Item, color: Color = Color.RED, thing: Opaque = Opaque(), *rest: int, more: Any = 1, **others: str) -> None: ...  # noqa: B008

    schema = made.parameters
    assert schema["properties"]["item"] == {"allOf": [{"$ref": "#/definitions/Item"}], "title": "item", "position": 0}
    assert schema["properties"]["color"]["default"] == "red"
    assert schema["definitions"]["Item"]["properties"]["size"]["exclusiveMinimum"] == 0
    assert schema["properties"]["thing"] == {"title": "thing", "position": 2}
    assert schema["properties"]["rest"]["type"] == "array"
    assert schema["properties"]["others"]["type"] == "object"
    assert schema["required"] == ["item"]


def coerced(fn: Any, **parameters: Any) -> dict[str, Any]:
    bound = bind_parameters(signature_of(fn), "f", parameters)
    validate("f", bound)
    return as_parameters(bound)


def test_values_are_coerced_by_their_annotations() -> None:
    """As JSON brings them: numbers as text, times as text, models and dataclasses as mappings, enums by value."""

    def fn(
        n: int, when: datetime, item: Item, color: Color, point: Point, word: Literal["a", "b"], names: list[int], secret: SecretStr
    ) -> None: ...

    found = coerced(
        fn, n="3", when="2026-01-01T00:00:00Z", item={"name": "x"}, color="red", point={"x": "1"}, word="a", names=["1"], secret="s"
    )
    assert (found["n"], found["item"], found["color"], found["point"], found["names"]) == (3, Item(name="x"), Color.RED, Point(1), [1])
    assert found["when"].year == 2026
    assert found["secret"].get_secret_value() == "s"


def test_each_value_that_does_not_fit_is_named() -> None:
    """All of them in one error, with the place inside a model."""

    def fn(n: int, item: Item) -> None: ...

    with pytest.raises(ParameterError) as caught:
        coerced(fn, n="x", item={"name": "a", "size": 0})
    assert "n: input should be a valid integer" in str(caught.value)
    assert "item.size: input should be greater than 0 (given 0" in str(caught.value)


def test_annotations_that_cannot_be_checked_let_values_pass() -> None:
    """Unknown names, classes of the author's own, and none at all."""

    def fn(a: Nowhere, b: Opaque, c, d: Any) -> None: ...  # noqa: F821  # pyright: ignore

    thing = Opaque()
    assert coerced(fn, a="x", b=thing, c=1, d="y") == {"a": "x", "b": thing, "c": 1, "d": "y"}
    with pytest.raises(ParameterError, match="instance of"):
        coerced(_opaque, b="not one")


def _opaque(b: Opaque) -> None: ...


def test_defaults_are_the_authors_own_matter() -> None:
    """One that does not fit its annotation is not complained of until a value is given."""

    def fn(n: int = None) -> None: ...  # noqa: RUF013  # pyright: ignore[reportArgumentType]

    bound = bind(signature_of(fn), "f", (), {})
    validate("f", bound, frozenset())
    assert as_parameters(bound) == {"n": None}


KINDS = st.sampled_from([inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY])


@given(st.lists(st.tuples(KINDS, st.booleans(), st.booleans()), max_size=6), st.booleans(), st.booleans())
def test_parameters_by_name_reach_the_arguments_they_name(shape: list[tuple[Any, bool, bool]], rest: bool, others: bool) -> None:
    """For any signature: what is given by name arrives there, the rest has its default, and nothing moves."""
    parameters = [
        inspect.Parameter(f"p{i}", kind, default=("default", i)) for i, (kind, _, _) in enumerate(sorted(shape, key=lambda s: s[0]))
    ]
    if rest:
        parameters.append(inspect.Parameter("rest", inspect.Parameter.VAR_POSITIONAL))
    if others:
        parameters.append(inspect.Parameter("others", inspect.Parameter.VAR_KEYWORD))
    signature = inspect.Signature(sorted(parameters, key=lambda p: p.kind))
    given = {p.name: ("given", p.name) for p, (_, wanted, _) in zip(parameters, shape, strict=False) if wanted}
    try:
        bound = bind_parameters(signature, "f", given)
    except ParameterError:
        skipped = [p.name for p in signature.parameters.values() if p.kind is inspect.Parameter.POSITIONAL_ONLY and p.name not in given]
        assert skipped  # a later positional-only one cannot be given without it
        return
    assert {name: value for name, value in bound.arguments.items() if name not in ("rest", "others")} == {
        p.name: given.get(p.name, p.default) for p in parameters if p.name not in ("rest", "others")
    }


@pytest.mark.parametrize(
    "docstring",
    [
        "Does.\n\n    Args:\n        n: how many\n        *names (str): which\n            ones\n\n    Returns:\n        x: nothing\n    ",
        "Does.\n\n    Parameters\n    ----------\n    n : int\n        how many\n    *names\n        which\n        ones\n\n    X\n    ---",
        "Does.\n\n    :param n: how many\n    :param str names: which\n        ones\n    :returns: x\n",
    ],
    ids=["google", "numpy", "sphinx"],
)
def test_docstrings_of_three_styles_are_read(docstring: str) -> None:
    """Each parameter's description on one line."""
    assert parameter_descriptions(docstring) == {"n": "how many", "names": "which ones"}


@given(st.text())
def test_any_docstring_is_read_without_complaint(text: str) -> None:
    """Whatever it says."""
    assert all(words == " ".join(words.split()) for words in parameter_descriptions(text).values())
