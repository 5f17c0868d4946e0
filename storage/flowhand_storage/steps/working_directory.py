"""The step that says where the following ones, and the run, work."""

from __future__ import annotations

from flowhand_storage.errors import SourceNotFound
from flowhand_storage.steps.progress import StepRun


def set_working_directory(run: StepRun, *, directory: str) -> dict[str, str]:
    """Work in `directory`, which must be there. Puts out `directory`, absolute."""
    path = run.path(directory)
    if not path.is_dir():
        raise SourceNotFound(f"there is no folder {path}")
    run.progress.working_directory = str(path)
    return {"directory": str(path)}
