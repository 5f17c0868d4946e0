"""Runs benchmarks one after another, each in a process of its own and within a time, and prints a table of what they said.

`python benchmarks [NAME ...]`: without names all of them. JSON lines go to stdout as they come, the table at the end; what a benchmark
says besides goes to stderr. Exits with 1 when one could not be measured; a figure that does not hold is shown, not an error.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

HERE: Final = Path(__file__).resolve().parent
LIMIT_S: Final = 600.0
VARIANTS: Final[dict[str, list[list[str]]]] = {
    "start_latency": [[], ["--spawn", "--runs", "50"]],
    "throughput": [[], ["--live"]],
    "reaction": [[], ["--states"]],
    "api": [["--sizes", "1000", "50000", "--clients", "1", "16", "--seconds", "1", "--servers", "sqlite", "postgresql"]],
}
"""Arguments of benchmarks that are run more than once, or not with all that they can measure."""
NOT_BENCHMARKS: Final = {"__main__", "flows"}


def all_names() -> list[str]:
    """Every benchmark there is: the programs of this folder."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_BENCHMARKS)


def figures(name: str, options: list[str]) -> tuple[list[dict[str, Any]], str | None]:
    """Runs one; its figures, and what went wrong, if anything did."""
    command = [sys.executable, str(HERE / f"{name}.py"), *options]
    print(f"{' '.join([name, *options])} …", file=sys.stderr, flush=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            said, _ = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # so that it ends what it has started
            process.communicate()
            return [], f"did not end within {LIMIT_S:g} s"
    print(said, end="", flush=True)
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return [
        row for line in lines for row in rows(name, line)
    ], None if process.returncode == 0 else f"left with exit code {process.returncode}"


def rows(name: str, line: dict[str, Any]) -> list[dict[str, Any]]:
    """A line as rows of the table: itself when it is one figure of `harness.results.tell`, else one row for each number in it."""
    if "metric" in line:
        return [line]
    what = f"{line['what']} " if "what" in line else ""
    numbers = {key: value for key, value in line.items() if isinstance(value, (int, float)) and not isinstance(value, bool)}
    return [{"benchmark": name, "metric": what + key, "value": float(value)} for key, value in numbers.items()]


def table(lines: list[dict[str, Any]]) -> Table:
    """The figures for people."""
    made = Table("benchmark", "figure", title="Benchmarks")
    for title in ("value", "unit", "to hold", ""):
        made.add_column(title, justify="right" if title == "value" else "left")
    for line in lines:
        verdict = {True: "holds", False: "[bold red]missed[/]", None: ""}[line.get("met")]
        cells = (line.get("benchmark"), line.get("metric"), line.get("value"), line.get("unit", ""), line.get("hold", ""))
        made.add_row(*(f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in cells), verdict)
    return made


def main(names: list[str]) -> int:
    """Runs and tells; the exit code."""
    unknown = set(names) - set(all_names())
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(all_names())}", file=sys.stderr)
        return 2
    lines: list[dict[str, Any]] = []
    failures: list[str] = []
    for name in names or all_names():
        for options in VARIANTS.get(name, [[]]):
            found, wrong = figures(name, options)
            lines += found
            if wrong:
                failures.append(f"{' '.join([name, *options])}: {wrong}")
    Console(width=None if sys.stdout.isatty() else 120).print(table(lines))
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
