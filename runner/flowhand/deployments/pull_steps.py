"""The pull step of a deployment. It holds no secret: what a script gives as plain text is kept in a block, and the step refers to that."""

from __future__ import annotations

import hashlib
import inspect
from typing import Any

from flowhand.client.call import Errand, Json
from flowhand.deployments.sources import Storage


def pull_step_of(storage: Storage, deployment: str) -> Errand[Json]:
    """The step by which a worker gets the code. Plain credentials are saved as anonymous secret blocks, the same ones each time.

    `deployment` is `flow/name`. InvalidSource for a storage block that was never saved.
    """
    if "keep" not in inspect.signature(storage.to_pull_step).parameters:
        return storage.to_pull_step()
    kept: dict[str, Any] = {}

    def keep(value: Any) -> str:
        name = f"{_name_for(deployment)}-{len(kept)}"
        kept[name] = value
        return f"{{{{ prefect.blocks.secret.{name} }}}}"

    step: Json = storage.to_pull_step(keep=keep)  # pyright: ignore[reportCallIssue]  # looked at above
    if kept:
        yield from _save(kept)
    return step


def _save(secrets: dict[str, Any]) -> Errand[None]:
    from flowhand.blocks.errands import save  # few scripts have credentials of their own, and all would wait for the import
    from flowhand.blocks.system import Secret

    for name, value in secrets.items():
        yield from save(Secret.model_validate({"value": value}), name, overwrite=True, is_anonymous=True)


def _name_for(deployment: str) -> str:
    """The same at each apply, so that a deployment keeps its secrets in the same blocks."""
    return f"anonymous-{hashlib.blake2b(deployment.encode(), digest_size=10).hexdigest()}"
