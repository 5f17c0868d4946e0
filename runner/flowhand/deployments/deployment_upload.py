"""The code of an older `Deployment`, put into its storage."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from flowhand.sdk.dual import run_plain
from flowhand_storage.ignore import IGNORE_FILES


def ensure_ignore_file(folder: Path) -> Path:
    """The folder's ignore file; an empty `.prefectignore` is made where there is none."""
    for name in IGNORE_FILES:
        if (folder / name).is_file():
            return folder / name
    made = folder / IGNORE_FILES[-1]
    made.touch()
    return made


def upload(storage: Any, path: str | None, ignore_file: str | None) -> int:
    """Puts the working directory into a storage block, at `path`; how many files. To be called from plain code: it blocks."""
    rules = ignore_file or str(ensure_ignore_file(Path.cwd()))
    put = storage.put_directory(to_path=path, ignore_file=rules)
    return run_plain(put) if inspect.iscoroutine(put) else put
