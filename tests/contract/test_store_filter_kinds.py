"""Every criterion of the filters of runs with every kind of value: each is answered, on every kind of database."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any, Final, get_args

import pytest
from pydantic import BaseModel
from sqlalchemy import Connection, Engine

from flowhand.ids import new_id
from flowhand.wire.filters import FlowRunQuery, TaskRunQuery
from flowhand_server.orchestration.state import scheduled
from flowhand_server.store.flow_run_reading import find_flow_runs
from flowhand_server.store.flow_runs import NewRun, create_flow_runs
from flowhand_server.store.task_runs import find_task_runs
from support.databases import make_deployment

NOW: Final = 1_700_000_000_000_000
SOME: Final = new_id()
LISTS: Final[Sequence[Any]] = ([], [SOME], [SOME] * 3, ["COMPLETED"], ["x"])
VALUES: Final[dict[str, Sequence[Any]]] = {
    **dict.fromkeys(("any_", "not_any_", "all_", "startswith_", "id_", "type_"), LISTS),
    **dict.fromkeys(("is_null_", "exists_", "eq_"), (True, False)),
    **dict.fromkeys(("before_", "after_"), ("2024-01-01T00:00:00Z",)),
    **dict.fromkeys(("ge_", "le_"), (1, 2**40)),
    "like_": ("", "x"),
}
"""By the names of criteria. What a criterion does not take, the API refuses."""


def _criteria(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    """Bodies that state one thing each."""
    for name, field in model.model_fields.items():
        for value in VALUES.get(name, ()):
            yield {name: value}
        for part in get_args(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from ({name: stated} for stated in _criteria(part))


def _valid(model: type[BaseModel], body: dict[str, Any]) -> BaseModel | None:
    try:
        return model.model_validate({**body, "limit": 10})
    except ValueError:
        return None


def _chooses_among_nothing(body: Any) -> bool:
    names: list[str] = []
    while isinstance(body, dict):
        [(name, body)] = body.items()
        names.append(name)
    # the last but one is only looked for in names (contract 1)
    return body == [] and names[-1] in {"any_", "id_", "type_"} and names[-2] != "flow_or_deployment_name"


@pytest.fixture(scope="module")
def conn(engine: Engine) -> Generator[Connection]:
    """A connection to a database with one run."""
    with engine.begin() as conn:
        flow, deployment = make_deployment(conn)
        create_flow_runs(conn, flow, [NewRun(flow, scheduled(NOW), deployment_id=deployment, tags=["x"])], NOW)
        yield conn


@pytest.mark.parametrize(("model", "find"), [(FlowRunQuery, find_flow_runs), (TaskRunQuery, find_task_runs)])
def test_every_criterion_is_answered(conn: Connection, model: type[BaseModel], find: Any) -> None:
    """None fails, and a choice among nothing finds nothing."""
    queries = [(body, query) for body in _criteria(model) if (query := _valid(model, body)) is not None]
    assert len(queries) > 100
    for body, query in queries:
        found = find(conn, query, NOW)
        assert not (found and _chooses_among_nothing(body)), body
