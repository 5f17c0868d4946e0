"""Pieces of names, and sets of places."""

from __future__ import annotations

import random
import sys

import pytest

from flowhand_server.store.name_pieces import MOST_ASKED, pieces_asked, pieces_of
from flowhand_server.store.name_places import common, packed


def test_letters_of_one_lower_or_upper_case_are_one() -> None:
    """Whichever of a letter's forms a locale makes of it: a name that a database finds is found by its pieces."""
    for letter in map(chr, range(sys.maxunicode + 1)):
        for other in {letter.lower(), letter.upper()} - {letter}:
            if len(other) == 1:
                assert pieces_of(f"a{letter}b") == pieces_of(f"A{other}B")
    assert pieces_of("K-I-\u0131") == pieces_of("\u212a-\u0130-i") == {"k-i", "-i-", "i-i"}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Abcd", ["abc", "bcd"]),
        ("ab", []),
        ("", []),
        ("ab%cd_ef", []),
        ("ab%cde_fgh", ["cde", "fgh"]),
        (r"ab\cde", ["cde"]),
        (r"abc\%d", ["abc"]),
        ("abc\0def", ["abc"]),
        ("aaaaaa", ["aaa"]),
        ("i\u0307st", []),
    ],
)
def test_what_a_text_asks_for(text: str, asked: list[str]) -> None:
    """Nothing of what stands for other letters, and nothing across it."""
    assert pieces_asked(text) == asked


def test_a_long_text_asks_for_a_few_pieces() -> None:
    """The first and the last among these."""
    text = "".join(map(chr, range(97, 123)))
    asked = pieces_asked(text)
    assert len(asked) == MOST_ASKED
    assert (asked[0], asked[-1]) == ("abc", "xyz")


def test_sets_of_places_meet_in_what_all_have() -> None:
    """Few and many, all ways to keep them together."""
    chosen = random.Random(7)
    for _ in range(200):
        sets = [
            sorted(chosen.sample(range(4096), chosen.choice((1, 5, 40, 255, 256, 257, 2000, 4096)))) for _ in range(chosen.randint(1, 4))
        ]
        assert common(map(packed, sets)) == sorted(set(sets[0]).intersection(*sets[1:]))
