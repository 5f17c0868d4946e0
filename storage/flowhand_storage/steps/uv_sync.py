"""The step that gives a run the packages of a uv project."""

from __future__ import annotations

import sys
from pathlib import Path

from flowhand_storage.errors import MissingTool, SourceNotFound
from flowhand_storage.steps.interpreter import find_uv, use_environment
from flowhand_storage.steps.program import Output, run_program
from flowhand_storage.steps.progress import StepRun


def uv_sync(
    run: StepRun,
    *,
    directory: str | None = None,
    groups: list[str] | None = None,
    extras: list[str] | None = None,
    stream_output: bool = True,
) -> dict[str, str]:
    """Run in an environment with what `uv.lock` in `directory` says. Puts out `python`, `stdout` and `stderr`.

    Built once per content of uv.lock and pyproject.toml, groups, extras and interpreter. The lock is taken as it is. The project itself
    is not installed: the environment is shared by all its revisions with the same lock, and a run imports the code of its own.
    """
    folder = run.path(directory)
    files = [folder / "uv.lock", folder / "pyproject.toml"]
    for file in files:
        if not file.is_file():
            raise SourceNotFound(f"there is no {file}; uv_sync needs a project with a lock file")
    uv = find_uv(run.context.environ)
    if uv is None:
        raise MissingTool("uv is not installed, or not on PATH; install it to use uv_sync")
    options = [f"--group={name}" for name in groups or ()] + [f"--extra={name}" for name in extras or ()]
    output = Output()

    def install(environment: Path) -> None:
        command = [uv, "sync", "--frozen", "--no-install-project", "--no-default-groups", "--python", sys.executable, *options]
        environ = dict(run.context.environ) | {"UV_PROJECT_ENVIRONMENT": str(environment)}
        environ.pop("VIRTUAL_ENV", None)
        run_program(run, command, folder, environ, output, stream=stream_output)

    content = b"\0".join([*(file.read_bytes() for file in files), *(option.encode() for option in options)])
    python = use_environment(run, "uv", content, install)
    return {"python": str(python)} | output.as_outputs()
