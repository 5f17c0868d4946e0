"""What `from flowhand import flow, serve` costs: milliseconds beyond a bare interpreter, and which libraries it loads.

Each sample is a fresh interpreter timed from outside, taken in turns with a bare one, so that what else the machine does meets both alike.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Final

from harness.results import median, parser, percentile, tell

HEAVY: Final = ("httpx", "docker", "structlog", "sqlalchemy", "pydantic", "rich", "typer", "fastapi", "anyio", "pendulum")
"""Libraries that a script's import of us might drag in; the first four never."""
NEVER: Final = 4
_LIST_MODULES: Final = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def seconds(statement: str) -> tuple[float, float]:
    """Wall and CPU seconds of an interpreter that runs `statement` and leaves."""
    began, before = time.perf_counter(), _cpu_of_children()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - began, _cpu_of_children() - before


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def modules(statement: str) -> set[str]:
    """The modules that are loaded after `statement`."""
    done = subprocess.run([sys.executable, "-c", f"{statement}\n{_LIST_MODULES}"], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def main() -> None:
    """Times and lists, then tells."""
    arguments = parser(__doc__)
    arguments.add_argument("--samples", type=int, default=15, help="interpreters of each kind")
    arguments.add_argument("--statement", default="from flowhand import flow, serve", help="what is imported")
    given = arguments.parse_args()
    seconds(given.statement)  # the first writes bytecode and warms the page cache
    pairs = [(seconds("pass"), seconds(given.statement)) for _ in range(given.samples)]
    wall = [(ours[0] - bare[0]) * 1000 for bare, ours in pairs]
    tell("import_cost", "bare_interpreter_p50", median([bare[0] * 1000 for bare, _ in pairs]), "ms", n=given.samples)
    tell("import_cost", "import_p50", median(wall), "ms", n=given.samples, most=120)
    tell("import_cost", "import_p90", percentile(wall, 0.9), "ms", n=given.samples)
    tell("import_cost", "import_cpu_p50", median([(ours[1] - bare[1]) * 1000 for bare, ours in pairs]), "ms", n=given.samples)
    loaded = modules(given.statement) - modules("pass")
    tell("import_cost", "modules_loaded", len(loaded), "modules", n=1)
    tell("import_cost", "never_loaded", sum(name in loaded for name in HEAVY[:NEVER]), "libraries", n=1, most=0)
    tell("import_cost", "heavy_loaded", sum(name in loaded for name in HEAVY), "libraries", n=1)


if __name__ == "__main__":
    main()
