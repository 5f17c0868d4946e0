"""How long until a checkout of a git repository is ready: the first time, for a new commit, and from the cache; beside a plain clone.

The repository is made for the measurement and fetched over git's file transport, so that what is timed is work and not a network.
With `--prefect PYTHON` (an interpreter that has Prefect installed) what its `git_clone` step does is timed on the same repository.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from harness.results import median, note, parser, percentile, tell

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.git.source import GitSource
from flowhand_storage.remote.source import remote_source

FROM_CACHE_MS: Final = 30.0
"""A run whose code is in the cache may start this much later than one in a local folder."""
_ENVIRONMENT: Final = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}
_PREFECT: Final = """
import asyncio, sys, tempfile, time
from pathlib import Path
from prefect.runner.storage import GitRepository

async def once():
    storage = GitRepository(url=sys.argv[1], branch="main")
    storage.set_base_path(Path(tempfile.mkdtemp()))
    began = time.perf_counter()
    await storage.pull_code()
    return (time.perf_counter() - began) * 1000

async def main():
    await once()
    for _ in range(int(sys.argv[2])):
        print("MS", await once(), flush=True)

asyncio.run(main())
"""
"""What its `git_clone` step does, without the step's requests to an API."""


class Repository:
    """A bare repository with a branch `main` of many files."""

    def __init__(self, folder: Path, files: int) -> None:
        self.bare, self._tree = folder / "code.git", folder / "code"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.bare], check=True, env=_ENVIRONMENT)
        for number in range(files):
            path = self._tree / f"package{number % 20}" / f"module{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"value = {number}\n" * 100)
        self.commit()

    def commit(self) -> str:
        """Change one file; the new commit's id."""
        (self._tree / "flow.py").write_text(f"stamp = {time.time_ns()}\n")
        self._git("add", "--all", ".")
        self._git("commit", "-q", "-m", "Change")
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        command = ["git", f"--git-dir={self.bare}", f"--work-tree={self._tree}", *arguments]
        return subprocess.run(command, cwd=self._tree, env=_ENVIRONMENT, check=True, capture_output=True, text=True).stdout.strip()


def milliseconds(act: Callable[[], object]) -> float:
    """How long `act` takes."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def report(metric: str, values: list[float], most: float | None = None) -> None:
    """Median and 90th percentile of what was measured."""
    tell("checkout", f"{metric}_p50", median(values), "ms", n=len(values), most=most)
    tell("checkout", f"{metric}_p90", percentile(values, 0.9), "ms", n=len(values))


def measure(folder: Path, given: argparse.Namespace) -> None:
    """One repository, all ways to it."""
    repository = Repository(folder, given.files)
    url, samples = str(repository.bare), range(given.samples)

    def clone(number: int) -> None:
        command = ["git", "clone", "-q", "--depth=1", f"file://{url}", str(folder / f"clone{number}")]
        subprocess.run(command, check=True, env=_ENVIRONMENT)

    def take(store: CheckoutStore, *, ref: str | None = None, commit: str | None = None) -> None:
        store.checkout(GitSource(url, ref=ref, commit=commit)).release()

    report("plain_clone", [milliseconds(lambda number=number: clone(number)) for number in samples])
    stores = [CheckoutStore(folder / f"store{number}") for number in samples]
    report("first", [milliseconds(lambda store=store: take(store, ref="main")) for store in stores])
    store = stores[0]
    report("cached_branch", [milliseconds(lambda: take(store, ref="main")) for _ in samples], most=FROM_CACHE_MS)
    sha = repository.commit()
    take(store, commit=sha)
    report("cached_commit", [milliseconds(lambda: take(store, commit=sha)) for _ in range(given.samples * 10)], most=FROM_CACHE_MS)
    report("new_commit", [milliseconds(lambda sha=sha: take(store, commit=sha)) for sha in [repository.commit() for _ in samples]])
    shared(store, url, sha, given.samples)
    folder_of_code = f"file://{folder / 'code'}"
    store.checkout(remote_source(folder_of_code)).release()
    report("cached_folder", [milliseconds(lambda: store.checkout(remote_source(folder_of_code)).release()) for _ in samples])
    if given.prefect:
        beside_prefect(given.prefect, url, given.samples)


def shared(store: CheckoutStore, url: str, sha: str, samples: int) -> None:
    """Eight runs that want the same cached commit at one moment: until the last of them has it."""

    def eight(pool: ThreadPoolExecutor) -> None:
        for job in [pool.submit(lambda: store.checkout(GitSource(url, commit=sha)).release()) for _ in range(8)]:
            job.result()

    with ThreadPoolExecutor(8) as pool:
        report("cached_commit_8_at_once", [milliseconds(lambda: eight(pool)) for _ in range(samples)])


def beside_prefect(python: str, url: str, samples: int) -> None:
    """Prefect's own way, in its own interpreter, imported and warmed up beforehand."""
    done = subprocess.run([python, "-c", _PREFECT, f"file://{url}", str(samples)], capture_output=True, text=True, check=False)
    values = [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("MS ")]
    if not values:
        note(f"{python} could not measure Prefect: {done.stderr.strip().splitlines()[-1:]}")
        return
    report("prefect_git_clone", values)


def main() -> None:
    """Measures in a folder that is gone afterwards."""
    arguments = parser(__doc__)
    arguments.add_argument("--files", type=int, default=300, help="files in the repository")
    arguments.add_argument("--samples", type=int, default=10, help="measurements of each kind")
    arguments.add_argument("--prefect", metavar="PYTHON", help="an interpreter with Prefect, to measure beside")
    with tempfile.TemporaryDirectory(prefix="flowhand-bench-") as folder:
        measure(Path(folder), arguments.parse_args())


if __name__ == "__main__":
    main()
