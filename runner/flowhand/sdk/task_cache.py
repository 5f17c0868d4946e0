"""Results of tasks that are kept for later runs, under the key that `cache_key_fn` gives. Files in the home folder, of its owner alone."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from flowhand.settings import load


def read(key: str) -> tuple[Any] | None:
    """The value that was kept, in a tuple; None when there is none, or it has expired, or its class has changed."""
    try:
        kept = pickle.loads(_path(key).read_bytes())  # noqa: S301  # a file of our own, in a folder of this user alone
    except (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, TypeError):
        return None
    expires = kept["expires"]
    return (kept["value"],) if expires is None or expires > time.time() else None


def write(key: str, value: Any, expiration: timedelta | None) -> None:
    """Keeps the value. ValueError when it cannot be pickled."""
    expires = None if expiration is None else time.time() + expiration.total_seconds()
    try:
        data = pickle.dumps({"key": key, "expires": expires, "value": value})
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ValueError(f"the result cannot be kept: {error}") from None
    path = _path(key)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
        draft.write(data)
    os.replace(draft.name, path)  # noqa: PTH105  # the draft is named by a string


def _path(key: str) -> Path:
    return load().home / "results" / sha256(key.encode()).hexdigest()


def task_input_hash(context: Any, arguments: Mapping[str, Any]) -> str | None:
    """A key made of the task and its arguments: for `cache_key_fn=`. None, which means no caching, when they cannot be hashed."""
    try:
        text = json.dumps(arguments, sort_keys=True).encode()
    except (TypeError, ValueError):
        try:
            text = pickle.dumps(dict(sorted(arguments.items())))
        except (pickle.PicklingError, TypeError, AttributeError):
            return None
    return sha256(f"{context.task.task_key}:".encode() + context.task.code + text).hexdigest()
