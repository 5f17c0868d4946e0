"""`/flow_run_notification_policies`, of 2.x clients (contract 11)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from flowhand.wire.notification_policies import (
    NotificationPolicy,
    NotificationPolicyCreate,
    NotificationPolicyQuery,
    NotificationPolicyUpdate,
)
from flowhand_server.routes.context import Key, Now, StoreDep, check_limit, nothing, reply, shows
from flowhand_server.store import notification_policies

router = APIRouter(prefix="/flow_run_notification_policies", tags=["Flow run notification policies"])


@router.post("/", status_code=201, responses=shows(NotificationPolicy, 201))
async def create_policy(body: NotificationPolicyCreate, store: StoreDep, now: Now) -> Response:
    """A new policy."""
    return reply(await store.write(notification_policies.create_policy, body, now), 201)


@router.post("/filter", responses=shows(list[NotificationPolicy]))
async def find_policies(query: NotificationPolicyQuery, store: StoreDep) -> Response:
    """Policies that fit."""
    check_limit(query.limit)
    return reply(await store.read(notification_policies.find_policies, query))


@router.get("/{policy_id:uuid}", responses=shows(NotificationPolicy))
async def read_policy(policy_id: Key, store: StoreDep) -> Response:
    """One policy."""
    return reply(await store.read(notification_policies.read_policy, str(policy_id)))


@router.patch("/{policy_id:uuid}", status_code=204, response_class=Response)
async def update_policy(policy_id: Key, body: NotificationPolicyUpdate, store: StoreDep, now: Now) -> Response:
    """Changes a policy."""
    await store.write(notification_policies.update_policy, str(policy_id), body, now)
    return nothing()


@router.delete("/{policy_id:uuid}", status_code=204, response_class=Response)
async def delete_policy(policy_id: Key, store: StoreDep, now: Now) -> Response:
    """Deletes a policy."""
    await store.write(notification_policies.delete_policy, str(policy_id), now)
    return nothing()
