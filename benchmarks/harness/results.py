"""What a benchmark says: JSON lines on stdout, one for each figure, and the arguments that all of them share."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of at least one value; `share` is between 0 and 1."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def median(values: Sequence[float]) -> float:
    """The nearest-rank median of at least one value."""
    return percentile(values, 0.5)


def tell(benchmark: str, metric: str, value: float, unit: str, *, n: int, most: float | None = None, least: float | None = None) -> None:
    """Prints one figure over `n` measurements. `most` and `least` are what it must hold, where something is to hold."""
    line: dict[str, object] = {"benchmark": benchmark, "metric": metric, "value": round(value, 3), "unit": unit, "n": n}
    if most is not None:
        line |= {"hold": f"<= {most:g}", "met": value <= most}
    if least is not None:
        line |= {"hold": f">= {least:g}", "met": value >= least}
    line |= {"python": platform.python_version(), "cores": os.cpu_count()}
    print(json.dumps(line), flush=True)


def note(words: str) -> None:
    """A word to whoever watches, on stderr."""
    print(words, file=sys.stderr, flush=True)


def parser(about: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the program's own docstring and shows defaults."""
    return argparse.ArgumentParser(description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
