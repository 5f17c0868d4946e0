"""What is answered when a request is refused: short, without secrets, and beside other requests."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from support.rest import Rest, fresh

NOBODY = "00000000-0000-0000-0000-000000000000"
SECRET = "open sesame"


def test_many_wrong_values_are_not_all_told(rest: Rest) -> None:
    """The first hundred are, so that an answer is not larger than its request."""
    wrong = [1.5] * 5000
    answer = rest.post("/flow_runs/filter", flow_runs={"id": {"any_": wrong}})
    told = answer.json()["exception_detail"]
    assert (answer.status_code, len(told), told[0]["input"]) == (422, 100, 1.5)
    assert answer.json()["request_body"]["flow_runs"]["id"]["any_"] == wrong


def test_long_values_are_told_once(rest: Rest) -> None:
    """With the body, and not again beside each thing that is wrong with them."""
    answer = rest.post("/flows/", tags="x" * 1000, labels={"a": "short", "b": [b := "y" * 1000]})
    told = answer.json()["exception_detail"]
    assert answer.status_code == 422
    assert ["body", "name"] in [entry["loc"] for entry in told]
    assert not any("input" in entry for entry in told)
    assert answer.text.count(b) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    "fields",
    [
        {"data": {"code": SECRET}, "name": "a/b", "block_schema_id": "x"},
        {"data": [SECRET]},
        {"data": {"code": SECRET}, "block_schema_id": SECRET},
        {SECRET: 1, "data": SECRET},
    ],
)
def test_secrets_are_not_said_again(rest: Rest, method: str, fields: dict[str, Any]) -> None:
    """What is wrong with a block document is told by place and reason only."""
    path = "/block_documents/" if method == "POST" else f"/block_documents/{NOBODY}"
    answer = rest.http.request(method, path, json=fields)
    told = answer.json()
    assert (answer.status_code, told.keys()) == (422, {"exception_message", "exception_detail"})
    assert told["exception_detail"]
    assert not any("input" in entry for entry in told["exception_detail"])


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/flow_runs/filter", "flow_runs.name.like_"),
        ("/artifacts/filter", "artifacts.key.like_"),
        ("/work_queues/filter", "work_queues.name.startswith_[]"),
        ("/events/filter", "filter.event.prefix[]"),
        ("/events/filter", "filter.resource.id_prefix[]"),
    ],
)
def test_what_is_looked_for_is_not_too_long(rest: Rest, path: str, field: str) -> None:
    """A thousand letters are looked for; more than a database can look for are refused."""
    assert rest.http.post(path, json=_nested(field, "x" * 1000)).status_code == 200
    assert rest.http.post(path, json=_nested(field, "x" * 60_000)).status_code == 422


def _nested(field: str, text: str) -> Any:
    value: Any = [text] if field.endswith("[]") else text
    for name in reversed(field.removesuffix("[]").split(".")):
        value = {name: value}
    return value


@pytest.mark.parametrize("body", [b"null", b" null ", b"\n", b"\tnull\r\n"])
def test_null_is_no_body_whatever_stands_around_it(rest: Rest, body: bytes) -> None:
    """Spaces say nothing."""
    assert rest.http.post("/flow_runs/filter", content=body, headers={"content-type": "application/json"}).status_code == 200


@pytest.mark.parametrize("properties", [5, [{}]])
def test_a_pool_without_variables_that_are_any(rest: Rest, properties: Any) -> None:
    """Is refused, made or changed."""
    template = {"job_configuration": {"a": "b"}, "variables": {"properties": properties}}
    assert rest.post("/work_pools/", name=fresh("pool"), type="process", base_job_template=template).status_code == 422
    assert rest.patch(f"/work_pools/{rest.pool()['name']}", base_job_template=template).status_code == 422


def _wide(salt: int) -> dict[str, Any]:
    """A schema that is harmless, and so large that it takes a second to see that it is one."""
    parts = {f"p{n}": {"type": "object", "properties": {f"q{m}-{salt}": {"type": "integer"} for m in range(30)}} for n in range(150)}
    return {"type": "object", "properties": parts}


@pytest.mark.anyio
async def test_large_schemas_hold_nobody_up(rest: Rest) -> None:
    """While the server looks whether the schemas of deployments that are made and changed are any, it reads and writes for others."""
    flow, old = rest.flow(), rest.deployment(enforce_parameter_schema=True)
    wide = {"name": "wide", "flow_id": flow["id"], "enforce_parameter_schema": True, "parameter_openapi_schema": _wide(1)}
    async with httpx.AsyncClient(base_url=rest.http.base_url, headers=rest.http.headers, timeout=60) as http:
        made = http.post("/deployments/", json=wide)
        changed = http.patch(f"/deployments/{old['id']}", json={"parameter_openapi_schema": _wide(2)})
        slow = [asyncio.ensure_future(made), asyncio.ensure_future(changed)]
        beside = 0
        while not any(one.done() for one in slow):
            assert (await http.post("/flows/", json={"name": fresh("beside")})).status_code == 201
            beside += 1
        assert [(await one).status_code for one in slow] == [201, 204]
    assert beside > 5
