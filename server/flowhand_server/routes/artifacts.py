"""`/artifacts` (contract 10)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from flowhand.wire.artifacts import Artifact, ArtifactCollection, ArtifactCreate, ArtifactUpdate
from flowhand.wire.filters import ArtifactQuery
from flowhand_server.routes.context import Key, Now, StoreDep, check_limit, nothing, reply, shows
from flowhand_server.store import artifacts

router = APIRouter(prefix="/artifacts", tags=["Artifacts"])


@router.post("/", status_code=201, responses=shows(Artifact, 201))
async def create_artifact(body: ArtifactCreate, store: StoreDep, now: Now) -> Response:
    """A new artifact, from now on the newest of its key."""
    return reply(await store.write(artifacts.create_artifact, body, now), 201)


@router.post("/filter", responses=shows(list[Artifact]))
async def find_artifacts(query: ArtifactQuery, store: StoreDep) -> Response:
    """Artifacts that fit."""
    check_limit(query.limit)
    return reply(await store.read(artifacts.find_artifacts, query))


@router.post("/latest/filter", responses=shows(list[ArtifactCollection]))
async def find_latest(query: ArtifactQuery, store: StoreDep) -> Response:
    """The newest artifact of each key, as far as it fits."""
    check_limit(query.limit)
    return reply(await store.read(artifacts.find_latest, query))


@router.post("/count", responses=shows(int))
async def count_artifacts(query: ArtifactQuery, store: StoreDep) -> Response:
    """How many artifacts fit."""
    return reply(await store.read(artifacts.count_artifacts, query))


@router.post("/latest/count", responses=shows(int))
async def count_latest(query: ArtifactQuery, store: StoreDep) -> Response:
    """How many keys have a newest artifact that fits."""
    return reply(await store.read(artifacts.count_latest, query))


@router.get("/{artifact_id:uuid}", responses=shows(Artifact))
async def read_artifact(artifact_id: Key, store: StoreDep) -> Response:
    """One artifact."""
    return reply(await store.read(artifacts.read_artifact, str(artifact_id)))


@router.get("/{key}/latest", responses=shows(Artifact))
async def read_latest(key: str, store: StoreDep) -> Response:
    """The newest artifact of a key."""
    return reply(await store.read(artifacts.read_latest, key))


@router.patch("/{artifact_id:uuid}", status_code=204, response_class=Response)
async def update_artifact(artifact_id: Key, body: ArtifactUpdate, store: StoreDep, now: Now) -> Response:
    """Changes an artifact."""
    await store.write(artifacts.update_artifact, str(artifact_id), body, now)
    return nothing()


@router.delete("/{artifact_id:uuid}", status_code=204, response_class=Response)
async def delete_artifact(artifact_id: Key, store: StoreDep, now: Now) -> Response:
    """Deletes an artifact."""
    await store.write(artifacts.delete_artifact, str(artifact_id), now)
    return nothing()
