"""From the claim of a run to the flow's first line, its code in git: the first time, and from the cache, beside a local folder.

The same flow, taken in turns so that all see the same machine. The repository is made for the measurement and cloned over git's file
transport. `cached_commit` is pinned to a commit and asks nobody; `cached_branch` asks the repository for the branch's commit each time.
With `--prefect` a worker of Prefect's, from that virtual environment, takes its turns as well: the same repository and branch by its own
`git_clone`, the same flow as its decorator makes it, runs of the same server.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from harness.house import POOL, House, add_arguments, house
from harness.rest import FLOWS
from harness.results import median, parser, tell

FROM_CACHE_MS: Final = 30.0
"""A run whose code is in the cache may start this much later than one in a local folder."""
WARM_UP: Final = 5
END_S: Final = 60.0
PREFECT_FLOW: Final = """
import time
from prefect import flow

@flow(log_prints=True)
def stamp():
    print("began", time.time_ns())
"""
PREFECT_POOL: Final = "benchmark-prefect"
STEP: Final = "prefect.deployments.steps.git_clone"
"""A name that both know."""
_ENVIRONMENT: Final = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def make_repository(folder: Path, files: int) -> str:
    """A repository with the flow and many files beside it; its commit's id."""
    for number in range(files):
        path = folder / f"package{number % 20}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"value = {number}\n" * 100)
    shutil.copy(FLOWS / "flows.py", folder)
    (folder / "prefect_flows.py").write_text(PREFECT_FLOW)
    for arguments in (["init", "-q", "-b", "main"], ["add", "--all"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *arguments], cwd=folder, env=_ENVIRONMENT, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, env=_ENVIRONMENT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def one(home: House, deployment: str) -> float:
    """Milliseconds from the claim of one run to its first line."""
    run = home.rest.run(deployment)
    home.rest.await_end(run, END_S)
    return (home.rest.began_ns(run) - home.rest.claimed_ns(run)) / 1e6


def start_prefect(home: House, folder: Path) -> None:
    """A worker of Prefect's for a pool of its own. It looks for runs every second, which is no part of what is measured."""
    home.rest.pool(PREFECT_POOL)
    environ = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PREFECT_API_URL": home.rest.url,
        "PREFECT_HOME": str(home.home / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.2",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    home.start_beside(f"{folder / 'bin' / 'prefect'} worker start --pool {PREFECT_POOL} --type process", environ)


def measure(given: argparse.Namespace) -> dict[str, list[float]]:
    """All latencies in milliseconds by where the code is."""
    with house(given) as home:
        folder = home.home / "code"
        sha = make_repository(folder, given.files)

        def cloned(**inputs: str) -> dict[str, Any]:
            return {"path": None, "pull_steps": [{STEP: {"repository": folder.as_uri(), **inputs}}]}

        kinds = {"local": {"path": str(folder)}, "cached_commit": cloned(commit_sha=sha), "cached_branch": cloned(branch="main")}
        made = {kind: home.rest.deployment("stamp", kind, POOL, **fields) for kind, fields in kinds.items()}
        if given.prefect:
            start_prefect(home, given.prefect)
            cloning = {"entrypoint": "prefect_flows.py:stamp", **cloned(branch="main")}
            made["prefect_git_clone"] = home.rest.deployment("stamp", "prefect", PREFECT_POOL, **cloning)
        try:
            first = one(home, made["cached_commit"])
            found: dict[str, list[float]] = {kind: [] for kind in made} | {"first": [first]}
            for turn in range(WARM_UP + given.runs):
                for kind, deployment in made.items():
                    if kind in kinds or turn < WARM_UP + given.prefect_runs:
                        found[kind].append(one(home, deployment))
        finally:
            for deployment in made.values():
                home.rest.delete_deployment(deployment)
            if given.prefect:
                home.rest.delete_pool(PREFECT_POOL)
    return {kind: values if kind == "first" else values[WARM_UP:] for kind, values in found.items()}


def main() -> None:
    """Measures, then tells."""
    arguments = parser(__doc__)
    add_arguments(arguments)
    arguments.add_argument("--runs", type=int, default=50, help="runs of each kind that count")
    arguments.add_argument("--files", type=int, default=300, help="files in the repository")
    arguments.add_argument("--prefect", type=Path, help="measure Prefect's git_clone too, from this virtual environment")
    arguments.add_argument("--prefect-runs", type=int, default=10, help="runs of Prefect's worker that count")
    given = arguments.parse_args()
    found = measure(given)
    local = median(found["local"])
    for kind, values in found.items():
        tell("code_latency", f"{kind}_p50", median(values), "ms", n=len(values))
    if given.prefect:
        times = median(found["prefect_git_clone"]) / median(found["cached_branch"])
        tell("code_latency", "prefect_git_clone_to_cached_branch_p50", times, "times", n=len(found["prefect_git_clone"]))
    for kind in ("cached_commit", "cached_branch"):
        most = FROM_CACHE_MS if kind == "cached_commit" else None
        tell("code_latency", f"{kind}_over_local_p50", median(found[kind]) - local, "ms", n=given.runs, most=most)
        tell("code_latency", f"{kind}_to_local_p50", median(found[kind]) / local, "times", n=given.runs)


if __name__ == "__main__":
    main()
