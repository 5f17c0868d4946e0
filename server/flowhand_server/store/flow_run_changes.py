"""What else is done to single runs: fields, labels, input, resuming, removal (contract 2.7, 4.4)."""

from __future__ import annotations

from typing import Any, Final

import orjson
from sqlalchemy import Connection, delete, select, update

from flowhand.ids import new_id
from flowhand.wire.flow_runs import FlowRunUpdate, RunInputCreate, RunInputFilter
from flowhand.wire.states import ACTIVE, StateName, StateType
from flowhand_server.json_schemas import DoesNotFit, check
from flowhand_server.orchestration.state import State, Verdict, propose, scheduled
from flowhand_server.store import forms
from flowhand_server.store import tables as t
from flowhand_server.store.errors import Conflict, NotFound, Refused
from flowhand_server.store.flow_run_reading import MISSING
from flowhand_server.store.flow_run_tags import retag_run
from flowhand_server.store.flow_runs import Outcome, propose_state
from flowhand_server.store.name_segments import note_names
from flowhand_server.store.names import random_name
from flowhand_server.store.reading import insert_once
from flowhand_server.store.runs import load_run, slot_freed

_run, _input = t.flow_run.c, t.flow_run_input.c
RESPONSE: Final = "response"
SCHEMA: Final = "schema"


def update_flow_run(conn: Connection, run_id: str, body: FlowRunUpdate, now: int) -> None:
    """Sets what is given. NotFound; Refused (400) for job variables of a run that is not scheduled any more."""
    given_values = body.model_dump(mode="json", include=body.model_fields_set)
    values: dict[str, Any] = {name: value for name, value in given_values.items() if value is not None or _run[name].nullable}
    if "name" in given_values:
        values["name"] = body.name or random_name()
    if body.job_variables is not None:
        _check_waiting(conn, run_id)
    if not conn.execute(update(t.flow_run).where(_run.id == run_id).values(**values, updated=now)).rowcount:
        raise NotFound(MISSING)
    if "tags" in values:
        retag_run(conn, run_id, values["tags"])
    if "name" in values:
        note_names(conn, [(run_id, values["name"])])


def _check_waiting(conn: Connection, run_id: str) -> None:
    row = conn.execute(select(_run.state_type, _run.deployment_id).where(_run.id == run_id).with_for_update()).first()
    if row is None:
        raise NotFound(MISSING)
    if row.state_type != StateType.SCHEDULED:
        raise Refused(400, f"Job variables for a flow run in state {row.state_type} cannot be updated")
    if row.deployment_id is None:
        raise Refused(400, "A deployment for the flow run could not be found")


def add_labels(conn: Connection, run_id: str, labels: dict[str, Any], now: int) -> None:
    """Lays labels over the run's. NotFound."""
    row = conn.execute(select(_run.labels).where(_run.id == run_id).with_for_update()).first()
    if row is None:
        raise NotFound(f"Flow run with id {run_id} not found")
    conn.execute(update(t.flow_run).where(_run.id == run_id).values(labels={**(row.labels or {}), **labels}, updated=now))


def delete_flow_run(conn: Connection, run_id: str) -> None:
    """Removes a run with its states, task runs, input and logs. NotFound."""
    run = load_run(conn, run_id)
    if run is None:
        raise NotFound(MISSING)
    conn.execute(delete(t.flow_run).where(_run.id == run_id))
    if run.state_type in ACTIVE:
        slot_freed(conn, run)
    conn.execute(delete(t.log).where(t.log.c.flow_run_id == run_id))


# --- input -----------------------------------------------------------------------------------------------------------------------------


def add_input(conn: Connection, run_id: str, body: RunInputCreate, now: int) -> None:
    """Stores something the run waits to read. NotFound; Conflict when the key is taken."""
    if conn.execute(select(_run.id).where(_run.id == run_id)).first() is None:
        raise NotFound(MISSING)
    if not _store_input(conn, run_id, body.key, body.value, body.sender, now):
        raise Conflict("A flow run input with this key already exists.")


def _store_input(conn: Connection, run_id: str, key: str, value: str, sender: str | None, now: int) -> bool:
    row = {"id": new_id(), "created": now, "updated": now, "flow_run_id": run_id, "key": key, "value": value, "sender": sender}
    return insert_once(conn, t.flow_run_input, row)


def read_input(conn: Connection, run_id: str, key: str) -> str:
    """The stored text. NotFound."""
    value = conn.execute(select(_input.value).where(_input.flow_run_id == run_id, _input.key == key)).scalar()
    if value is None:
        raise NotFound("Flow run input not found")
    return value


def find_inputs(conn: Connection, run_id: str, body: RunInputFilter) -> list[forms.Form]:
    """The run's inputs whose keys begin so, the oldest first."""
    statement = select(t.flow_run_input).where(_input.flow_run_id == run_id, _input.key.startswith(body.prefix, autoescape=True))
    if body.exclude_keys:
        statement = statement.where(_input.key.not_in(body.exclude_keys))
    rows = conn.execute(statement.order_by(_input.created, _input.id).limit(body.limit)).mappings()
    names = ("flow_run_id", "key", "value", "sender")
    return [{**forms.entity(row), **{name: row[name] for name in names}} for row in rows]


def delete_input(conn: Connection, run_id: str, key: str) -> None:
    """Forgets an input. NotFound."""
    if not conn.execute(delete(t.flow_run_input).where(_input.flow_run_id == run_id, _input.key == key)).rowcount:
        raise NotFound("Flow run input not found")


# --- resuming --------------------------------------------------------------------------------------------------------------------------


class NotResumed(Exception):
    """The run stays as it is: what the contract answers then, whose forms are odd (2.7). A run that is paused shows its state."""

    def __init__(self, status: Verdict, reason: str, state: State | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.state = state


def resume(conn: Connection, run_id: str, given: dict[str, Any] | None, now: int) -> Outcome:
    """Resumes a paused run: one that waits in its process runs on, a suspended one is scheduled now. NotFound; NotResumed says why not."""
    run = load_run(conn, run_id)
    if run is None:
        raise NotFound(MISSING)
    if run.current is None or run.current.type is not StateType.PAUSED:
        raise NotResumed(Verdict.ABORT, "Cannot resume a flow run that is not paused.")
    if run.current.details.get("run_input_keyset"):
        _take_input(conn, run_id, run.current, given or {}, now)
    if run.current.details.get("pause_reschedule"):
        return propose_state(conn, run_id, scheduled(now, StateName.RESUMING), now)
    return propose_state(conn, run_id, propose(StateType.RUNNING), now)


def _take_input(conn: Connection, run_id: str, paused: State, given: dict[str, Any], now: int) -> None:
    keyset = paused.details["run_input_keyset"]
    schema = conn.execute(select(_input.value).where(_input.flow_run_id == run_id, _input.key == keyset.get(SCHEMA))).scalar()
    if schema is None:
        raise NotResumed(Verdict.REJECT, "Run input schema not found.", paused)
    try:
        check(given, orjson.loads(schema))
    except (DoesNotFit, orjson.JSONDecodeError) as error:
        raise NotResumed(Verdict.REJECT, f"Reason: {error}", paused) from None
    if not _store_input(conn, run_id, keyset[RESPONSE], orjson.dumps(given).decode(), None, now):
        raise NotResumed(Verdict.REJECT, "Reason: the run already has its input.", paused)
