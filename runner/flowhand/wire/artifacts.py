"""Bodies of `/artifacts` (contract 10)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from flowhand.wire.body import Entity, Id, Request

ArtifactKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]*$")]


class ArtifactCreate(Request):
    """Something to look at: markdown, a table, progress, an image, or a result."""

    key: ArtifactKey | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: Id | None = None
    task_run_id: Id | None = None


class ArtifactUpdate(Request):
    """Changes to an artifact. What is present is set."""

    data: Any = None
    description: str | None = None
    metadata_: dict[str, str] | None = None


class Artifact(Entity):
    """An artifact."""

    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: str | None = None
    task_run_id: str | None = None


class ArtifactCollection(Artifact):
    """The newest artifact of a key."""

    latest_id: str = Field(default="")
