"""What came of the plays: a file of one JSON line each, appended to while they are played, and the table that is made of it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .faults import FAULTS
from .matrix import POINTS, Cell


@dataclass(frozen=True, slots=True)
class Result:
    """One play."""

    cell: Cell
    seed: int
    commit: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "\n        ".join([f"{'FAILED' if self.problems else 'ok':7}{self.cell}, seed {self.seed}", *self.problems])


class Results:
    """What was played. Another play of a cell with the same seed takes the place of the first: a fault that was mended is played again.

    `path`: where it is kept, and read from at first; None keeps it in memory alone. Safe from many threads.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._found = {(result.cell, result.seed): result for result in _read(path)} if path and path.exists() else {}

    def add(self, result: Result) -> None:
        """One more, on disk before this returns."""
        with self._lock:
            self._found[result.cell, result.seed] = result
            if self._path is not None:
                with self._path.open("a") as file:
                    file.write(_written(result))

    def failed(self, cells: Iterable[Cell]) -> list[Result]:
        """Those that did not hold."""
        of = set(cells)
        return [result for result in self._found.values() if result.problems and result.cell in of]

    def missing(self, cell: Cell, seeds: Sequence[int], *, failed_too: bool) -> list[int]:
        """The seeds of a cell that have no result yet, or one that is to be had again."""
        return [seed for seed in seeds if (kept := self._found.get((cell, seed))) is None or (failed_too and kept.problems)]

    def table(self) -> str:
        """How often each cell held, of how often it was played, under `crash` · under `retry`; and at which commits."""
        held, played, commits = Counter[Cell](), Counter[Cell](), Counter[str]()
        for result in self._found.values():
            held[result.cell] += not result.problems
            played[result.cell] += 1
            commits[result.commit] += 1
        lines = [f"| | {' | '.join(POINTS)} |", f"| --- |{' --- |' * len(POINTS)}"]
        for fault in FAULTS:
            columns = [[Cell(point, fault, policy) for policy in ("crash", "retry")] for point in POINTS]
            lines.append(f"| {fault} | {' | '.join(_column(cells, held, played) for cells in columns)} |")
        at = ", ".join(f"{count} at {commit}" for commit, count in commits.items())
        return "\n".join([*lines, "", f"{played.total()} plays ({at}), {held.total()} held"])


def _column(cells: list[Cell], held: Counter[Cell], played: Counter[Cell]) -> str:
    counts = [f"{held[cell]}/{played[cell]}" for cell in cells if played[cell]]
    return " · ".join(counts) or "–"


def _written(result: Result) -> str:
    cell = result.cell
    told = {"point": cell.point, "fault": cell.fault, "policy": cell.policy, "seed": result.seed, "commit": result.commit}
    return json.dumps({**told, "problems": result.problems}) + "\n"


def _read(path: Path) -> Iterable[Result]:
    for line in path.read_text().splitlines():
        told = json.loads(line)
        yield Result(Cell(told["point"], told["fault"], told["policy"]), told["seed"], told["commit"], tuple(told["problems"]))


def commit_here() -> str:
    """The commit that is checked out, with a plus when it has been changed."""
    folder = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True).stdout.strip()

    return git("rev-parse", "--short=7", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
