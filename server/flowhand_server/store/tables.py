"""The tables. SQLAlchemy Core, the same for SQLite and PostgreSQL.

Ids are UUIDs as text with dashes. All times are microseconds since the epoch, UTC. Columns are named as the REST contract names the fields
(contract 12). JSON columns hold plain JSON: text on SQLite, JSONB on PostgreSQL; None is SQL's NULL.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

SCHEMA: Final = "0007"
"""The revision of the migrations that this metadata is equal to."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class _JsonText(JSON):
    """JSON that is declared TEXT on SQLite: under the name JSON a column would turn the text `1.0` into a number (sqlite.org/datatype3)."""


@compiles(_JsonText, "sqlite")
def _as_text(element: _JsonText, compiler: SQLCompiler, **options: Any) -> str:
    return "TEXT"


Json = _JsonText(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class _PlainBytes(LargeBinary):
    """Bytes, which either driver takes and gives as they are: nothing is to be done for each of thousands of rows."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """None."""

    def result_processor(self, dialect: Dialect, coltype: Any) -> None:
        """None."""


Cursor = BigInteger().with_variant(Integer, "sqlite")
"""A number that the database hands out; on SQLite only INTEGER can be one."""


def _id(**options: Any) -> Column[str]:
    return Column("id", String(36), primary_key=True, **options)


def _ref(name: str, target: str, ondelete: str | None = "CASCADE", *, nullable: bool = False, primary_key: bool = False) -> Column[str]:
    return Column(name, String(36), ForeignKey(f"{target}.id", ondelete=ondelete), nullable=nullable, primary_key=primary_key)


def _created() -> Column[int]:
    return Column("created", BigInteger, nullable=False)


def _updated() -> Column[int]:
    return Column("updated", BigInteger, nullable=False)


def _json(name: str, *, default: str | None = None) -> Column[Any]:
    if default is None:
        return Column(name, Json)
    return Column(name, Json, nullable=False, server_default=default)


def _flag(name: str, *, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("true" if default else "false"))


def _count(name: str, default: int = 0) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=str(default))


def _partial(name: str, *columns: Column[Any], where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


# --- what is known -------------------------------------------------------------------------------------------------------------------

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts of the database itself: its server id, the reaper's floor, the last tick of its services."""

flow = Table(
    "flow",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False, unique=True),
    _json("tags", default="[]"),
    _json("labels", default="{}"),
)

work_pool = Table(
    "work_pool",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text),
    Column("type", Text, nullable=False, server_default="prefect-agent"),
    _json("base_job_template", default="{}"),
    _flag("is_paused"),
    Column("concurrency_limit", BigInteger),
    Column("status", String(16), nullable=False, server_default="NOT_READY"),
    _json("storage_configuration"),
    Column("default_queue_id", String(36)),
)

work_queue = Table(
    "work_queue",
    metadata,
    _id(),
    _created(),
    _updated(),
    _ref("work_pool_id", "work_pool"),
    Column("name", Text, nullable=False),
    Column("description", Text),
    _flag("is_paused"),
    Column("concurrency_limit", BigInteger),
    _count("priority", 1),
    Column("status", String(16), nullable=False, server_default="NOT_READY"),
    Column("last_polled", BigInteger),
    _json("filter"),
    UniqueConstraint("work_pool_id", "name"),
)

worker = Table(
    "worker",
    metadata,
    _id(),
    _created(),
    _updated(),
    _ref("work_pool_id", "work_pool"),
    Column("name", Text, nullable=False),
    Column("last_heartbeat_time", BigInteger),
    Column("heartbeat_interval_seconds", Float),
    Column("status", String(16), nullable=False, server_default="OFFLINE"),
    UniqueConstraint("work_pool_id", "name"),
)

deployment = Table(
    "deployment",
    metadata,
    _id(),
    _created(),
    _updated(),
    _ref("flow_id", "flow"),
    Column("name", Text, nullable=False),
    Column("version", Text),
    _json("version_info"),
    Column("description", Text),
    _flag("paused"),
    _json("parameters", default="{}"),
    _json("parameter_openapi_schema"),
    _flag("enforce_parameter_schema", default=True),
    _json("tags", default="[]"),
    _json("labels", default="{}"),
    Column("entrypoint", Text),
    Column("path", Text),
    Column("manifest_path", Text),
    _json("pull_steps"),
    _json("job_variables", default="{}"),
    Column("storage_document_id", String(36)),
    Column("infrastructure_document_id", String(36)),
    _ref("work_queue_id", "work_queue", "SET NULL", nullable=True),
    Column("work_queue_name", Text),
    Column("concurrency_limit", BigInteger),
    Column("global_concurrency_limit_id", String(36)),
    _json("concurrency_options"),
    Column("status", String(16), nullable=False, server_default="NOT_READY"),
    Column("last_polled", BigInteger),
    _json("created_by"),
    _json("updated_by"),
    UniqueConstraint("flow_id", "name"),
    Index("ix_deployment_work_queue_id", "work_queue_id"),
    Index("ix_deployment_updated", "updated"),
    Index("ix_deployment_global_concurrency_limit_id", "global_concurrency_limit_id"),
)

deployment_schedule = Table(
    "deployment_schedule",
    metadata,
    _id(),
    _created(),
    _updated(),
    _ref("deployment_id", "deployment"),
    _json("schedule", default="{}"),
    _flag("active", default=True),
    Column("max_scheduled_runs", BigInteger),
    _json("parameters", default="{}"),
    Column("slug", Text),
    _json("catchup"),
    Column("scheduled_until", BigInteger),
    Column("scheduled_at", BigInteger),
    Column("look_at", BigInteger),
    Index("ix_deployment_schedule_deployment_id", "deployment_id"),
)
"""`catchup`: null for the default, else "none", "latest", "all" or {"window": seconds}. The scheduler notes the furthest slot that it put
in (`scheduled_until`), when it did so (`scheduled_at`), and when it has to look again (`look_at`)."""

# --- runs ----------------------------------------------------------------------------------------------------------------------------

flow_run = Table(
    "flow_run",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False),
    _ref("flow_id", "flow"),
    _ref("deployment_id", "deployment", "SET NULL", nullable=True),
    Column("work_pool_id", String(36)),
    Column("work_queue_id", String(36)),
    Column("work_queue_name", Text),
    Column("deployment_version", Text),
    Column("flow_version", Text),
    _json("parameters", default="{}"),
    _json("context", default="{}"),
    _json("tags", default="[]"),
    _json("labels", default="{}"),
    _json("job_variables"),
    _json("empirical_policy", default="{}"),
    Column("idempotency_key", Text),
    Column("parent_task_run_id", String(36)),
    _flag("auto_scheduled"),
    Column("infrastructure_document_id", String(36)),
    Column("infrastructure_pid", Text),
    _json("created_by"),
    Column("state_id", String(36)),
    Column("state_type", String(16)),
    Column("state_name", Text),
    Column("state_timestamp", BigInteger),
    _count("run_count"),
    _count("attempt"),
    _count("interruptions"),
    Column("expected_start_time", BigInteger),
    Column("next_scheduled_start_time", BigInteger),
    Column("start_time", BigInteger),
    Column("end_time", BigInteger),
    _count("total_run_time"),
    _flag("in_process"),
    _json("usage"),
)
"""`total_run_time` is in microseconds. `attempt` is the fence; `run_count` the contract's; `interruptions` counts lost leases.
`in_process`: it is SCHEDULED, but its own process will go on with it (a foreign client's retry), so nobody may claim it. Pool and queue are
not tied by keys: deleting a pool must not touch each of a million old runs, and who reads them joins."""

_r = flow_run.c
_partial("uq_flow_run_idempotency", _r.flow_id, _r.idempotency_key, where="idempotency_key IS NOT NULL", unique=True)
_CLAIMABLE = "state_type = 'SCHEDULED' AND in_process = false"
_partial("ix_flow_run_lane", _r.work_queue_id, _r.deployment_id, _r.next_scheduled_start_time, where=_CLAIMABLE)
_partial("ix_flow_run_queue_due", _r.work_queue_id, _r.next_scheduled_start_time, where=_CLAIMABLE)
_partial("ix_flow_run_served", _r.deployment_id, _r.next_scheduled_start_time, where="state_type = 'SCHEDULED'")
_partial("ix_flow_run_due", _r.next_scheduled_start_time, where="state_type = 'SCHEDULED' AND state_name = 'Scheduled'")
_partial("ix_flow_run_active_queue", _r.work_queue_id, _r.state_type, where="state_type IN ('PENDING', 'RUNNING', 'CANCELLING')")
_partial("ix_flow_run_active_deployment", _r.deployment_id, where="state_type IN ('PENDING', 'RUNNING', 'CANCELLING')")
_partial("ix_flow_run_paused", _r.state_timestamp, where="state_type IN ('PAUSED', 'CANCELLING')")
Index("ix_flow_run_end_time", _r.end_time)
Index("ix_flow_run_name", _r.name, _r.id)
_partial("ix_flow_run_next", _r.next_scheduled_start_time, _r.id, where="next_scheduled_start_time IS NOT NULL")
_partial("ix_flow_run_flow_next", _r.flow_id, _r.next_scheduled_start_time, _r.id, where="next_scheduled_start_time IS NOT NULL")
Index("ix_flow_run_state_name", _r.state_name, _r.expected_start_time)
Index("ix_flow_run_begun", func.coalesce(_r.start_time, _r.expected_start_time))
_partial("ix_flow_run_parent", _r.parent_task_run_id, where="parent_task_run_id IS NOT NULL")
Index("ix_flow_run_expected_start_time", _r.expected_start_time)
Index("ix_flow_run_deployment_id", _r.deployment_id, _r.expected_start_time)
Index("ix_flow_run_flow_id", _r.flow_id, _r.expected_start_time)
Index("ix_flow_run_state", _r.state_type, _r.expected_start_time)

flow_run_tag = Table(
    "flow_run_tag",
    metadata,
    Column("tag", Text, primary_key=True),
    _ref("flow_run_id", "flow_run", primary_key=True),
    Index("ix_flow_run_tag_flow_run_id", "flow_run_id"),
    sqlite_with_rowid=False,
)
"""`flow_run.tags` by tag, for filters: no index looks into a JSON array on every kind of database."""

name_tail = Table(
    "name_tail",
    metadata,
    Column("number", Cursor, primary_key=True),
    Column("flow_run_id", String(36), nullable=False),
    Column("name", Text, nullable=False),
)
"""Names of runs that are not in the index of names yet: of new ones, and of those that were given another name (docs/adr/0039)."""

name_segment = Table(
    "name_segment",
    metadata,
    Column("number", Cursor, primary_key=True),
    Column("size", BigInteger, nullable=False),
)
"""Parts of the index of names, each of `size` runs. These are not tied to it by keys: it says which may fit, not which there are."""

name_page = Table(
    "name_page",
    metadata,
    Column("number", Cursor, primary_key=True, autoincrement=False),
    Column("runs", Text, nullable=False),
)
"""The ids of a segment's runs, one behind the other, a few in a row. Which row is computed (`name_segments.page_of`)."""

name_piece = Table(
    "name_piece",
    metadata,
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("piece", Text, primary_key=True),
    Column("places", _PlainBytes, nullable=False),
    sqlite_with_rowid=False,
)
"""By three letters: the places in the segment of the runs whose names have them (`name_places`)."""

flow_run_state = Table(
    "flow_run_state",
    metadata,
    _id(),
    _ref("flow_run_id", "flow_run"),
    Column("timestamp", BigInteger, nullable=False),
    Column("type", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("message", Text),
    _json("state_details", default="{}"),
    _json("data"),
    _count("attempt"),
    _flag("announced"),
    UniqueConstraint("flow_run_id", "timestamp"),
)
"""`announced`: the event that tells of it has been written; until then the row is its own outbox."""

_partial("ix_flow_run_state_outbox", flow_run_state.c.timestamp, where="NOT announced")

flow_run_input = Table(
    "flow_run_input",
    metadata,
    _id(),
    _created(),
    _updated(),
    _ref("flow_run_id", "flow_run"),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("sender", Text),
    UniqueConstraint("flow_run_id", "key"),
)

task_run = Table(
    "task_run",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False),
    _ref("flow_run_id", "flow_run", nullable=True),
    Column("task_key", Text, nullable=False),
    Column("dynamic_key", Text, nullable=False),
    Column("task_version", Text),
    Column("cache_key", Text),
    Column("cache_expiration", BigInteger),
    _json("empirical_policy", default="{}"),
    _json("tags", default="[]"),
    _json("labels", default="{}"),
    _json("task_inputs", default="{}"),
    Column("state_id", String(36)),
    Column("state_type", String(16)),
    Column("state_name", Text),
    Column("state_timestamp", BigInteger),
    _count("run_count"),
    _count("flow_run_run_count"),
    Column("expected_start_time", BigInteger),
    Column("next_scheduled_start_time", BigInteger),
    Column("start_time", BigInteger),
    Column("end_time", BigInteger),
    _count("total_run_time"),
    UniqueConstraint("flow_run_id", "task_key", "dynamic_key"),
    Index("ix_task_run_expected_start_time", "expected_start_time"),
)

_partial("ix_task_run_cache_key", task_run.c.cache_key, where="cache_key IS NOT NULL")

task_run_state = Table(
    "task_run_state",
    metadata,
    _id(),
    _ref("task_run_id", "task_run"),
    Column("timestamp", BigInteger, nullable=False),
    Column("type", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("message", Text),
    _json("state_details", default="{}"),
    _json("data"),
    Index("ix_task_run_state_task_run_id", "task_run_id", "timestamp"),
)

background_task = Table(
    "background_task",
    metadata,
    _ref("task_run_id", "task_run", primary_key=True),
    Column("task_key", Text, nullable=False),
    _created(),
    Column("offered_until", BigInteger),
    Index("ix_background_task_task_key", "task_key", "created"),
)
"""Deferred task runs that nobody has taken yet. `offered_until`: somebody was asked, and has so long to answer."""

task_worker = Table(
    "task_worker",
    metadata,
    _id(),
    Column("identifier", Text, nullable=False),
    _json("task_keys", default="[]"),
    Column("seen", BigInteger, nullable=False),
)
"""Subscriptions to background tasks, by whichever replica they are held."""

log = Table(
    "log",
    metadata,
    Column("cursor", Cursor, primary_key=True),
    Column("flow_run_id", String(36)),
    Column("task_run_id", String(36)),
    Column("attempt", BigInteger),
    Column("timestamp", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("message", Text, nullable=False),
    Index("ix_log_flow_run_id", "flow_run_id", "cursor"),
)
"""Lines in the order of their arrival; the contract's id of a line is made from `cursor`. Not tied to its run by a key: a line may come for
a run that is not here."""

# --- sessions and leases -------------------------------------------------------------------------------------------------------------

session = Table(
    "session",
    metadata,
    _id(),
    _created(),
    Column("secret_hash", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    _ref("work_pool_id", "work_pool", "SET NULL", nullable=True),
    _json("work_queues", default="[]"),
    _json("deployments", default="[]"),
    _count("slots", 1),
    _count("heartbeat_us", 10_000_000),
    _count("lease_us", 60_000_000),
    _ref("worker_id", "worker", "SET NULL", nullable=True),
    Column("status", String(12), nullable=False, server_default="open"),
    Column("superseded_by", String(36)),
    Column("last_seen", BigInteger, nullable=False),
    _count("claim"),
    _flag("drain"),
    Index("ix_session_last_seen", "last_seen"),
)
"""`status` is open, superseded or closed. `claim` is the number of the last claim answer that carried runs."""

api_key = Table(
    "api_key",
    metadata,
    _id(),
    _created(),
    Column("name", Text, nullable=False),
    Column("public", String(16), nullable=False, unique=True),
    Column("secret_hash", String(64), nullable=False),
    _json("scopes", default="[]"),
    Column("expires", BigInteger),
    Column("last_used", BigInteger),
    Column("revoked", BigInteger),
)
_partial("uq_api_key_name", api_key.c.name, where="revoked IS NULL", unique=True)
"""`public` is the part of a key by which it is found and told of; of the rest only the hash is kept. The name of a revoked key is free."""

_partial("ix_session_open", session.c.work_pool_id, where="status = 'open'")

lease = Table(
    "lease",
    metadata,
    _ref("flow_run_id", "flow_run", primary_key=True),
    Column("attempt", BigInteger, primary_key=True),
    Column("session_id", String(36), nullable=False),
    _count("claim"),
    Column("deployment_id", String(36)),
    Column("claimed_at", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("provisional_until", BigInteger),
    Column("crash_policy", String(8), nullable=False, server_default="crash"),
    _count("max_interruptions", 3),
    _count("mark_channel"),
    _count("mark_stdout"),
    _count("mark_stderr"),
    _count("mark_daemon"),
    _count("mark_state"),
)
"""One row an attempt, kept as long as its run: the lease while `ended_at` is null, and the high-water marks of what it reported."""

_partial("ix_lease_live", lease.c.session_id, where="ended_at IS NULL")
_partial("ix_lease_provisional", lease.c.provisional_until, where="provisional_until IS NOT NULL")

# --- limits --------------------------------------------------------------------------------------------------------------------------

concurrency_limit = Table(
    "concurrency_limit",
    metadata,
    _id(),
    _created(),
    _updated(),
    _flag("active", default=True),
    Column("name", Text, nullable=False, unique=True),
    Column("limit", BigInteger, nullable=False),
    _count("active_slots"),
    _count("denied_slots"),
    Column("slot_decay_per_second", Float, nullable=False, server_default="0"),
    Column("avg_slot_occupancy_seconds", Float, nullable=False, server_default="2"),
)

concurrency_lease = Table(
    "concurrency_lease",
    metadata,
    _id(),
    _created(),
    Column("expires_at", BigInteger, nullable=False),
    Column("slots", BigInteger, nullable=False),
    _json("limit_ids", default="[]"),
    Column("holder_type", String(16)),
    Column("holder_id", String(36)),
    Index("ix_concurrency_lease_expires_at", "expires_at"),
)
"""Slots that come back by themselves at `expires_at`. `limit_ids`: of which limits."""

# --- configuration documents, values and things to look at ----------------------------------------------------------------------------

variable = Table(
    "variable",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False, unique=True),
    _json("value"),
    _json("tags", default="[]"),
)

block_type = Table(
    "block_type",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False, unique=True),
    Column("logo_url", Text),
    Column("documentation_url", Text),
    Column("description", Text),
    Column("code_example", Text),
    _flag("is_protected"),
)

block_schema = Table(
    "block_schema",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("checksum", String(80), nullable=False),
    _json("fields", default="{}"),
    _json("capabilities", default="[]"),
    Column("version", Text, nullable=False),
    _ref("block_type_id", "block_type"),
    UniqueConstraint("checksum", "version"),
    Index("ix_block_schema_block_type_id", "block_type_id"),
)

block_document = Table(
    "block_document",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False),
    _json("data", default="{}"),
    Column("secrets", Text),
    _flag("is_anonymous"),
    _ref("block_type_id", "block_type"),
    _ref("block_schema_id", "block_schema"),
    UniqueConstraint("block_type_id", "name"),
)
"""`data` holds what may be read; `secrets` the values of its secret fields as one encrypted text."""

block_document_reference = Table(
    "block_document_reference",
    metadata,
    _ref("parent_id", "block_document", primary_key=True),
    Column("name", Text, primary_key=True),
    _ref("reference_id", "block_document"),
)

artifact = Table(
    "artifact",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("key", Text),
    Column("type", Text),
    Column("description", Text),
    _json("data"),
    _json("metadata_"),
    Column("flow_run_id", String(36)),
    Column("task_run_id", String(36)),
    Index("ix_artifact_key", "key"),
    Index("ix_artifact_flow_run_id", "flow_run_id"),
)

artifact_collection = Table(
    "artifact_collection",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("key", Text, nullable=False, unique=True),
    _ref("latest_id", "artifact"),
)
"""The newest artifact of each key."""

saved_search = Table(
    "saved_search",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False, unique=True),
    _json("filters", default="[]"),
)

# --- events and what watches them ------------------------------------------------------------------------------------------------------

event = Table(
    "event",
    metadata,
    Column("cursor", Cursor, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("occurred", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("resource_id", Text, nullable=False),
    Column("follows", String(36)),
    _json("resource", default="{}"),
    _json("related", default="[]"),
    _json("payload", default="{}"),
    _flag("pending"),
    Index("ix_event_occurred", "occurred"),
    Index("ix_event_event", "event", "occurred"),
    Index("ix_event_resource_id", "resource_id", "occurred"),
)
"""`pending`: the automations have not looked at it yet; the row is its own queue."""

_partial("ix_event_pending", event.c.cursor, where="pending")

automation = Table(
    "automation",
    metadata,
    _id(),
    _created(),
    _updated(),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    _flag("enabled", default=True),
    _json("tags", default="[]"),
    _json("trigger", default="{}"),
    _json("actions", default="[]"),
    _json("actions_on_trigger", default="[]"),
    _json("actions_on_resolve", default="[]"),
)

automation_related = Table(
    "automation_related",
    metadata,
    _ref("automation_id", "automation", primary_key=True),
    Column("resource_id", Text, primary_key=True),
    _flag("owned"),
    Index("ix_automation_related_resource_id", "resource_id"),
)
"""Which resources an automation names, and which one owns it (and takes it along when it goes)."""

automation_window = Table(
    "automation_window",
    metadata,
    _ref("automation_id", "automation", primary_key=True),
    Column("trigger_id", String(36), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("begins", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    _count("count"),
    Column("fires_at", BigInteger),
    _json("last_event"),
)
"""What a trigger has counted so far, by what it counts `for_each`. `fires_at`: when the absence of events is to be judged."""

_partial("ix_automation_window_fires_at", automation_window.c.fires_at, where="fires_at IS NOT NULL")

automation_firing = Table(
    "automation_firing",
    metadata,
    _ref("automation_id", "automation", primary_key=True),
    Column("trigger_id", String(36), primary_key=True),
    Column("part_id", String(36), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("id", String(36), nullable=False),
    _json("event"),
)
"""When the parts of a compound or sequence trigger fired last, until it fires itself."""

automation_action = Table(
    "automation_action",
    metadata,
    _id(),
    _ref("automation_id", "automation"),
    Column("place", BigInteger, nullable=False),
    _flag("outside"),
    _count("taken_until"),
    _json("action", default="{}"),
    _json("firing", default="{}"),
)
"""Actions that wait to be done. Those that call somebody `outside` are taken for a while by the replica that does it."""

automation_chain = Table(
    "automation_chain",
    metadata,
    _ref("automation_id", "automation", primary_key=True),
    Column("root", String(36), primary_key=True),
    Column("since", BigInteger, nullable=False),
    _count("count"),
)
"""How often an automation has set itself off, by the event that everything began with."""
