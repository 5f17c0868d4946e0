"""API servers side by side on one machine: ours on SQLite and on PostgreSQL, and Prefect's, with few and with very many runs in the table.

For each size of the table, server, call and number of clients: calls a second that were answered well, latency, CPU a call (server and
database together), refused calls, 5xx, and lines of the server's log that tell of its database failing. JSON lines on stdout, a table with
the ratios on stderr.

With `--results FILE` each cell is written down as soon as it is measured, and what stands there already is not measured again: a run that
was interrupted goes on where it was, and a cell is measured anew when its line is removed.

The table is filled in the database itself with copies of real runs, the server being stopped meanwhile. Prefect is taken from a virtual
environment of its own (`--prefect`).
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import httpx
from harness.contestants import KEPT, Contestant, contestant
from harness.copies import NEEDLE, RARE, Originals, fill, until_indexed, waiting_runs
from harness.house import POOL, leave_by_finally
from harness.load import UNANSWERED, Call, press
from harness.rest import BenchmarkFailed, Rest, seconds_from_now
from harness.results import note, parser, percentile

SERVERS: Final = ("sqlite", "postgresql", "prefect")
LANES: Final = 10
"""Deployments that the runs are of."""
WAITING: Final = 9_000
"""Runs that are given states at each size."""
STEPS: Final = ("PENDING", "RUNNING", "COMPLETED")
TRIES: Final = 5
WARM_UP_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement."""

    server: str
    call: str
    runs: int
    clients: int
    calls: int
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    unanswered: int
    refused: int
    status_5xx: int
    database_errors: int

    @property
    def key(self) -> Key:
        """Which one it is."""
        return self.server, self.call, self.runs, self.clients

    def tell(self) -> None:
        """Prints it as a JSON line."""
        what = f"{self.server} {self.call}, {self.runs} runs, {self.clients} clients:"
        print(json.dumps({"benchmark": "api", "what": what, **asdict(self)}), flush=True)


Key = tuple[str, str, int, int]
"""Server, call, runs and clients of a cell."""


class Sheet:
    """The cells that were measured, in this run and in those before it that wrote into the same file."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        lines = file.read_text().splitlines() if file is not None and file.exists() else []
        self._cells = {cell.key: cell for cell in (Cell(**json.loads(line)) for line in lines)}

    def __contains__(self, key: Key) -> bool:
        return key in self._cells

    def add(self, cell: Cell) -> None:
        """Tells a cell and keeps it."""
        cell.tell()
        self._cells[cell.key] = cell
        if self._file is not None:
            with self._file.open("a") as file:
                file.write(json.dumps(asdict(cell)) + "\n")

    def of(self, keys: Iterable[Key]) -> list[Cell]:
        """Those of these cells that there are."""
        return [self._cells[key] for key in keys if key in self._cells]


CALLS: Final = (
    "get_scheduled_flow_runs",
    "filter newest",
    "filter deployment and state",
    "filter next",
    "filter tag",
    "filter text",
    "set_state",
    "create_flow_run",
)


class Track:
    """One server on its way through the sizes: its deployments, and real runs to copy."""

    def __init__(self, server: Contestant) -> None:
        self.server = server
        with server.start() as rest:
            rest.pool(POOL)
            self.deployments = [_insist(lambda n=n: rest.deployment("noop", f"lane-{n}", POOL)) for n in range(LANES)]
            self.originals = Originals(
                [_insist(lambda lane=lane: _late(rest, lane)) for lane in self.deployments],
                [_insist(lambda lane=lane: _ended(rest, lane)) for lane in self.deployments],
            )
        server.stop()

    def grow(self, size: int) -> None:
        """Has `size` runs in the table."""
        note(f"{self.server.name}: putting {size} runs into the table …")
        fill(self.server, self.originals, size)

    def calls(self, waiting: Iterator[str]) -> dict[str, Callable[[], Iterator[Call]]]:
        """What one client does, by the name of the call; the clients share the runs that wait.

        Reading comes first, so that it finds the table as it was filled.
        """
        return {
            "get_scheduled_flow_runs": lambda: repeat(_call(f"/work_pools/{POOL}/get_scheduled_flow_runs", scheduled_before=_soon())),
            "filter newest": lambda: _found(sort="START_TIME_DESC"),
            "filter deployment and state": lambda: _found(
                deployments={"id": {"any_": self.deployments[:1]}},
                flow_runs={"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}},
                sort="EXPECTED_START_TIME_DESC",
            ),
            "filter next": lambda: _found(flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}}, sort="NEXT_SCHEDULED_START_TIME_ASC"),
            "filter tag": lambda: _found(flow_runs={"tags": {"all_": [RARE]}}, sort="START_TIME_DESC"),
            "filter text": lambda: _found(flow_runs={"name": {"like_": NEEDLE}}, sort="START_TIME_DESC"),
            "set_state": lambda: _moved(waiting),
            "create_flow_run": lambda: _made(self.deployments),
        }


def _insist(make: Callable[[], str]) -> str:
    """What comes of it once it succeeds. A server that has just started may refuse: Prefect's answers 503, or hangs up, while its own
    services have locked its database.
    """
    for _ in range(TRIES):
        with suppress(BenchmarkFailed, httpx.TransportError):
            return make()
    return make()


def _late(rest: Rest, deployment: str) -> str:
    late = {"type": "SCHEDULED", "name": "Late"}
    return str(rest.post(f"/deployments/{deployment}/create_flow_run", {"state": late})["id"])


def _ended(rest: Rest, deployment: str) -> str:
    run = rest.run(deployment)
    for step in STEPS:
        rest.post(f"/flow_runs/{run}/set_state", {"state": {"type": step}})
    return run


def _call(path: str, **body: Any) -> Call:
    return path, json.dumps(body).encode()


def _found(**query: Any) -> Iterator[Call]:
    return repeat(_call("/flow_runs/filter", limit=20, **query))


def _soon() -> str:
    return seconds_from_now(10).isoformat()


def _moved(runs: Iterator[str]) -> Iterator[Call]:
    """Carries one run after another to its end."""
    bodies = [json.dumps({"state": {"type": step}}).encode() for step in STEPS]
    for run in runs:
        for body in bodies:
            yield f"/flow_runs/{run}/set_state", body


def _made(deployments: list[str]) -> Iterator[Call]:
    tomorrow = seconds_from_now(timedelta(days=1).total_seconds()).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": tomorrow}}
    while True:
        for deployment in deployments:
            yield _call(f"/deployments/{deployment}/create_flow_run", state=state, parameters={"x": 1})


def measure(given: argparse.Namespace) -> list[Cell]:
    """All cells, told as they come. The servers take turns at each size, so that all of them see the same machine."""
    sheet = Sheet(given.results)
    wanted = [
        (server, call, size, clients)
        for size in sorted(given.sizes)
        for server in given.servers
        for call in given.calls
        for clients in given.clients
    ]
    missing = [key for key in wanted if key not in sheet]
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="fhb-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        names = [name for name in given.servers if any(key[0] == name for key in missing)]
        tracks = [Track(stack.enter_context(contestant(name, folder, given.prefect))) for name in names]
        for size in sorted(given.sizes):
            for track in tracks:
                keys = [key for key in missing if key[0] == track.server.name and key[2] == size]
                if keys:
                    _fill_in(sheet, track, size, keys, given.seconds)
    return sheet.of(wanted)


def _fill_in(sheet: Sheet, track: Track, size: int, keys: list[Key], seconds: float) -> None:
    """Measures these cells of one server at one size."""
    track.grow(size)
    waiting = waiting_runs(track.server, track.originals, WAITING)
    moving = [clients for _, call, _, clients in keys if call == "set_state"]
    share = len(waiting) // max(1, len(moving))
    shares = {clients: waiting[place * share : (place + 1) * share] for place, clients in enumerate(moving)}
    with track.server.start():
        until_indexed(track.server)
        for _, call, _, clients in keys:
            runs = iter(shares.get(clients, ()))
            sources = [track.calls(runs)[call]() for _ in range(clients)]
            sheet.add(_cell(track.server, call, size, sources, seconds))
    track.server.stop()


def _cell(server: Contestant, name: str, size: int, sources: list[Iterator[Call]], seconds: float) -> Cell:
    press(server.url, sources, WARM_UP_S)
    errors, cpu = server.database_errors(), server.cpu_s()
    found = press(server.url, sources, seconds)
    cpu = server.cpu_s() - cpu
    calls = len(found.seconds)
    if not calls:
        raise BenchmarkFailed(f"{server.name} {name}: no call was left to be measured; take fewer --clients or a bigger size")
    failed = found.with_status(500) + found.statuses[UNANSWERED]
    return Cell(
        server.name,
        name,
        size,
        len(sources),
        calls,
        round((calls - failed) / found.elapsed, 1),
        round(percentile(found.seconds, 0.5) * 1000, 2),
        round(percentile(found.seconds, 0.99) * 1000, 2),
        round(cpu / calls * 1000, 2),
        found.statuses[UNANSWERED],
        found.with_status(400) - found.with_status(500),
        found.with_status(500),
        server.database_errors() - errors,
    )


def table(cells: list[Cell], servers: list[str]) -> str:
    """The cells as Markdown: a row for each call, size and number of clients; a server's cell is `calls/s · p50 / p99 ms · CPU ms`."""
    of = {(cell.call, cell.runs, cell.clients, cell.server): cell for cell in cells}
    ours = [name for name in servers if name != "prefect"]
    beside = ours if "prefect" in servers else []
    titles = ["call", "runs", "clients", *servers, *(f"{name} to prefect" for name in beside)]
    rows = [titles, ["---"] * 3 + ["---:"] * (len(titles) - 3)]
    for call, runs, clients in dict.fromkeys((cell.call, cell.runs, cell.clients) for cell in cells):
        found = [of.get((call, runs, clients, name)) for name in servers]
        theirs = of[call, runs, clients, "prefect"].per_s if (call, runs, clients, "prefect") in of else 0.0
        ratios = [
            f"{cell.per_s / theirs:.1f}" if cell and theirs else "–" for cell, name in zip(found, servers, strict=True) if name in beside
        ]
        rows.append([call, f"{runs:,}", str(clients), *(_in_words(cell) if cell else "–" for cell in found), *ratios])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _in_words(cell: Cell) -> str:
    wrong = {"unanswered": cell.unanswered, "refused": cell.refused, "5xx": cell.status_5xx, "database errors": cell.database_errors}
    said = "".join(f" · **{count} {what}**" for what, count in wrong.items() if count)
    return f"{cell.per_s:g}/s · {cell.p50_ms:g} / {cell.p99_ms:g} ms · {cell.cpu_ms:g}{said}"


def main() -> None:
    """Measures, then shows the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[1_000, 50_000, 1_000_000], help="runs in the table")
    arguments.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16], help="clients that call at once")
    arguments.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS), help="who is measured")
    arguments.add_argument("--calls", nargs="+", choices=CALLS, default=list(CALLS), help="what is called")
    arguments.add_argument("--results", type=Path, help="where cells are written down, and which of them are there")
    arguments.add_argument("--seconds", type=float, default=2.0, help="seconds that each figure takes")
    arguments.add_argument("--prefect", type=Path, default=KEPT, help="the virtual environment that Prefect is in")
    given = arguments.parse_args()
    signal.signal(signal.SIGTERM, leave_by_finally)
    cells = measure(given)
    note(table(cells, given.servers))


if __name__ == "__main__":
    main()
