"""Bodies of `/flow_run_notification_policies`, which clients of 2.x have instead of automations (contract 11)."""

from __future__ import annotations

from pydantic import Field

from flowhand.wire import criteria
from flowhand.wire.body import Entity, Id, Request
from flowhand.wire.criteria import Criterion
from flowhand.wire.filters import Window


class NotificationPolicyCreate(Request):
    """Tells by a notification block of runs that enter one of these states (none: any), if they have one of these tags (none: any)."""

    is_active: bool = True
    state_names: list[str]
    tags: list[str]
    block_document_id: Id
    message_template: str | None = None
    """Names in braces, such as `{flow_run_name}`."""


class NotificationPolicyUpdate(Request):
    """What changes of a policy."""

    is_active: bool | None = None
    state_names: list[str] | None = None
    tags: list[str] | None = None
    block_document_id: Id | None = None
    message_template: str | None = None


class NotificationPolicy(Entity):
    """A policy."""

    is_active: bool = True
    state_names: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    block_document_id: str
    message_template: str | None = None


class NotificationPolicyFilter(Criterion):
    """Which policies."""

    is_active: criteria.Flag | None = None


class NotificationPolicyQuery(Window):
    """Reads policies."""

    flow_run_notification_policy_filter: NotificationPolicyFilter | None = None
