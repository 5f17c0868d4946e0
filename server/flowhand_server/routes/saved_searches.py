"""`/saved_searches`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from flowhand.wire.filters import Window
from flowhand.wire.saved_searches import SavedSearch, SavedSearchCreate
from flowhand_server.routes.context import Key, Now, StoreDep, check_limit, created, nothing, reply, shows, shows_created
from flowhand_server.store import saved_searches

router = APIRouter(prefix="/saved_searches", tags=["Saved searches"])


@router.put("/", responses=shows_created(SavedSearch))
async def save_search(body: SavedSearchCreate, store: StoreDep, now: Now) -> Response:
    """The search of this name, made or changed."""
    return created(*await store.write(saved_searches.save_search, body, now))


@router.post("/filter", responses=shows(list[SavedSearch]))
async def find_searches(window: Window, store: StoreDep) -> Response:
    """All searches."""
    check_limit(window.limit)
    return reply(await store.read(saved_searches.find_searches, window))


@router.get("/{search_id:uuid}", responses=shows(SavedSearch))
async def read_search(search_id: Key, store: StoreDep) -> Response:
    """One search."""
    return reply(await store.read(saved_searches.read_search, str(search_id)))


@router.delete("/{search_id:uuid}", status_code=204, response_class=Response)
async def delete_search(search_id: Key, store: StoreDep) -> Response:
    """Deletes a search."""
    await store.write(saved_searches.delete_search, str(search_id))
    return nothing()
