"""docs/state-machine.md says what the code does."""

from __future__ import annotations

import re

from flowhand.daemon.end_table import final_state
from flowhand.wire.states import ACTIVE, TERMINAL, StateName, StateType
from support.end_table_page import BEGIN, END, PAGE, ROWS, endings, example, row_of, table


def test_the_page_prints_the_end_table_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0] == table(), "run: python tests/support/end_table_page.py"


def test_the_first_row_that_fits_an_ending_says_what_becomes_of_it() -> None:
    for ending in endings():
        row, outcome = row_of(ending), final_state(ending)
        if row.word == "another":
            assert ending.word is not None
            assert (outcome.type, outcome.message) == (ending.word.type, ending.word.message)
        else:
            told = example(row)
            assert (outcome.type, outcome.name) == (told.type, told.name), (row, ending)
            assert outcome.message[:20] == told.message[:20], (row, ending)


def test_every_row_is_reached() -> None:
    assert {row_of(ending) for ending in endings()} == set(ROWS)


def test_the_page_names_every_state_type_with_what_it_means_for_rules() -> None:
    rows = dict(re.findall(r"^\| ([A-Z]+) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(rows) == {kind.value for kind in StateType}
    for kind in StateType:
        assert ("terminal" in rows[kind.value]) == (kind in TERMINAL)
        assert ("holds a slot" in rows[kind.value]) == (kind in ACTIVE)


def test_the_page_names_every_state_name() -> None:
    text = PAGE.read_text(encoding="utf-8")
    names = {value for name, value in vars(StateName).items() if name.isupper()}
    assert {name for name in names if name not in text} == set()
