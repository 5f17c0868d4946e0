"""`/flows`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from flowhand.wire.filters import BulkFlows, Entities, NamedPage, NamedQuery
from flowhand.wire.flows import Flow, FlowCreate, FlowUpdate
from flowhand_server.routes.context import (
    Key,
    Now,
    StoreDep,
    check_limit,
    created,
    nothing,
    page_reply,
    reply,
    shows,
    shows_created,
)
from flowhand_server.store import flows

router = APIRouter(prefix="/flows", tags=["Flows"])


@router.post("/", responses=shows_created(Flow))
async def create_flow(body: FlowCreate, store: StoreDep, now: Now) -> Response:
    """The flow of this name, made if there is none."""
    return created(*await store.write(flows.create_flow, body, now))


@router.get("/name/{name}", responses=shows(Flow))
async def read_flow_by_name(name: str, store: StoreDep) -> Response:
    """One flow by its name."""
    return reply(await store.read(flows.read_flow_by_name, name))


@router.post("/filter", responses=shows(list[Flow]))
async def find_flows(query: NamedQuery, store: StoreDep) -> Response:
    """Flows that fit."""
    check_limit(query.limit)
    return reply(await store.read(flows.find_flows, query))


@router.post("/count", responses=shows(int))
async def count_flows(query: Entities, store: StoreDep) -> Response:
    """How many flows fit."""
    return reply(await store.read(flows.count_flows, query))


@router.post("/paginate")
async def page_of_flows(page: NamedPage, store: StoreDep) -> Response:
    """Flows that fit, page by page."""
    query = NamedQuery(**page.window(check_limit(page.limit)))
    return await page_reply(page, query, store.read(flows.find_flows, query), store.read(flows.count_flows, query))


@router.post("/bulk_delete")
async def delete_flows(body: BulkFlows, store: StoreDep) -> Response:
    """Deletes flows that fit."""
    found = await store.read(flows.find_flows, NamedQuery(flows=body.flows, limit=body.limit))
    for flow in found:
        await store.write(flows.delete_flow, flow["id"])
    return reply({"deleted": [flow["id"] for flow in found]})


@router.get("/{flow_id:uuid}", responses=shows(Flow))
async def read_flow(flow_id: Key, store: StoreDep) -> Response:
    """One flow."""
    return reply(await store.read(flows.read_flow, str(flow_id)))


@router.patch("/{flow_id:uuid}", status_code=204, response_class=Response)
async def update_flow(flow_id: Key, body: FlowUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a flow."""
    await store.write(flows.update_flow, str(flow_id), body, now)
    return nothing()


@router.delete("/{flow_id:uuid}", status_code=204, response_class=Response)
async def delete_flow(flow_id: Key, store: StoreDep) -> Response:
    """Deletes a flow with all that belongs to it."""
    await store.write(flows.delete_flow, str(flow_id))
    return nothing()
