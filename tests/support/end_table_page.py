"""The end table as docs/state-machine.md prints it. `python tests/support/end_table_page.py` writes it anew into the page.

Conditions are written here, once, in the words of the page; what becomes of them is asked of `flowhand.daemon.end_table`. A test holds
conditions, code and page together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from flowhand.daemon.end_table import Ending, LastWord, Outcome, final_state, stopped_for
from flowhand.execution.launcher import Exit, Sizes, StopReason

PAGE: Final = Path(__file__).parents[2] / "docs" / "state-machine.md"
BEGIN: Final = "<!-- end table: begin -->\n"
END: Final = "<!-- end table: end -->\n"

_ANY: Final = "·"
Condition = Callable[[Ending], bool]

WORDS: Final[dict[str, Condition]] = {
    _ANY: lambda _: True,
    "Completed": lambda ending: ending.word is not None and ending.word.type == "COMPLETED",
    "another": lambda ending: ending.word is not None and ending.word.type != "COMPLETED",
}
EXITS: Final[dict[str, Condition]] = {
    _ANY: lambda _: True,
    "not seen": lambda ending: ending.exit is None,
    "killed, signal or code": lambda ending: ending.exit is not None and bool(ending.exit.killed or ending.exit.signal or ending.exit.code),
    "killed": lambda ending: ending.exit is not None and ending.exit.killed,
    "out of memory": lambda ending: ending.exit is not None and ending.exit.oom == "certain",
    "out of memory?": lambda ending: ending.exit is not None and ending.exit.oom == "probable",
    "signal": lambda ending: ending.exit is not None and ending.exit.signal is not None,
    "too late": lambda ending: ending.late,
    "of a container": lambda ending: bool(ending.container),
    "code 143": lambda ending: ending.exit is not None and ending.exit.code == 143 and ending.exit.stopped is None,
    "code 0": lambda ending: ending.exit is not None and ending.exit.code == 0,
}
BEGAN: Final[dict[str, Condition]] = {
    _ANY: lambda _: True,
    "no": lambda ending: not ending.began,
}


class Row(NamedTuple):
    """One row's conditions; all of them must hold."""

    word: str = _ANY
    stop: str = _ANY
    exit: str = _ANY
    began: str = _ANY

    def fits(self, ending: Ending) -> bool:
        """Whether the row speaks of this ending."""
        stopped = stopped_for(ending.exit, ending.asked)
        stop = self.stop == _ANY or (stopped is not None and stopped.value in self.stop.split(" or "))
        return stop and WORDS[self.word](ending) and EXITS[self.exit](ending) and BEGAN[self.began](ending)


ROWS: Final = (
    Row(word="Completed", exit="not seen"),
    Row(word="Completed", exit="killed, signal or code"),
    Row(word="Completed"),
    Row(stop="cancel", began="no"),
    Row(stop="cancel", exit="killed"),
    Row(stop="cancel"),
    Row(stop="revoked or lease", began="no"),
    Row(word="another"),
    Row(stop="timeout"),
    Row(exit="too late", began="no"),
    Row(stop="drain", began="no"),
    Row(stop="drain"),
    Row(exit="not seen"),
    Row(stop="lease or fenced"),
    Row(exit="of a container"),
    Row(exit="out of memory"),
    Row(exit="out of memory?"),
    Row(exit="signal"),
    Row(exit="code 143"),
    Row(exit="code 0"),
    Row(),
)


def endings() -> Iterator[Ending]:
    """Every ending there can be, but for figures and words: the ordinary ones first, so that a row's example is the plainest."""
    words = (None, LastWord("COMPLETED"), LastWord("FAILED", message="Flow run encountered an exception: ValueError: no"))
    ways: list[tuple[int | None, int | None, bool]] = [(0, None, False), (3, None, False), (None, 11, False), (None, 9, True)]
    stops = (None, *StopReason)
    exits: list[Exit | None] = [
        Exit(code, number, Sizes(), 1.25, 50 << 20, 4.0, oom, stopped, killed)
        for (code, number, killed), stopped, oom in itertools.product(ways, stops, (None, "probable", "certain"))
        if oom is None or number == 9
    ]
    for word, exit_, began in itertools.product(words, [*exits, None], (True, False)):
        yield Ending(word, exit_, began, timeout_s=2.0, why="the keeper was killed")
    for asked, began in itertools.product(StopReason, (True, False)):
        yield Ending(None, None, began, asked=asked, why="the keeper was killed")
    killed = Exit(None, 9, Sizes(), 0.25, 50 << 20, 4.0)
    yield Ending(None, killed, began=True, container="Out of memory: the kernel killed the container at its limit of 512 MiB.")
    yield Ending(None, Exit(143, None, Sizes(), 1.25, 50 << 20, 4.0), began=True)
    yield Ending(None, Exit(143, None, Sizes(), 1.25, 50 << 20, 4.0, stopped=StopReason.REVOKED), began=True)
    yield Ending(None, Exit(75, None, Sizes(), 1.25, 50 << 20, 4.0), began=False, late=True)


def row_of(ending: Ending) -> Row:
    """The first row that fits."""
    return next(row for row in ROWS if row.fits(ending))


def example(row: Row) -> Outcome:
    """What becomes of the row's plainest ending. StopIteration for a row that no ending reaches."""
    return final_state(next(ending for ending in endings() if row_of(ending) is row))


def table() -> str:
    """The table in Markdown."""
    lines = [
        "| | last word | stopped for | exit | began | final state | its message begins |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for number, row in enumerate(ROWS, 1):
        lines.append(f"| {number} | {' | '.join(row)} | {_state(row)} | {_message(row)} |")
    return "\n".join(lines) + "\n"


def _state(row: Row) -> str:
    if row.word == "another":
        return "as it said"
    outcome = example(row)
    return f"{outcome.name}, handed back" if outcome.type is None else outcome.name


def _message(row: Row) -> str:
    return "as it said" if row.word == "another" else example(row).message.partition(" CPU ")[0]


def write() -> None:
    """Puts the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table() + END + after, encoding="utf-8")


if __name__ == "__main__":
    write()
