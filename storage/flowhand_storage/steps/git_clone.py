"""The step that fetches a git repository."""

from __future__ import annotations

from typing import Any

from flowhand_storage.errors import InvalidStep
from flowhand_storage.git.source import GitSource
from flowhand_storage.steps.fetching import fetch
from flowhand_storage.steps.progress import StepRun


def git_clone(
    run: StepRun,
    *,
    repository: str,
    branch: str | None = None,
    commit_sha: str | None = None,
    include_submodules: bool = False,
    access_token: Any = None,
    credentials: Any = None,
    directories: list[str] | None = None,
    clone_directory_name: str | None = None,
) -> dict[str, str]:
    """Fetch a repository at a branch or tag, or at a commit. Puts out `directory`, absolute.

    The same commit is fetched once for all runs. In the run's folder it is found as `clone_directory_name` too, else as
    `<repository>-<branch>`.
    """
    if access_token and credentials:
        raise InvalidStep("give an access_token or credentials, not both")
    source = GitSource(
        repository,
        ref=branch,
        commit=commit_sha,
        submodules=include_submodules,
        directories=directories or (),
        credentials=access_token or credentials,
        environ=run.context.environ,
    )
    name = "-".join(part for part in (source.label, branch or "") if part).replace("/", "-")
    return {"directory": fetch(run, source, clone_directory_name or name)}
