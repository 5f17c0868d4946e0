"""Blocks and variables in job variables: what is asked for, what it becomes, what counts as secret. The API is a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flowhand.client.call import Call, Errand
from flowhand.daemon.references import resolved
from flowhand.errors import ApiUnavailable, LaunchError, ObjectNotFound

KNOWN: Mapping[str, Any] = {
    "/block_types/slug/secret/block_documents/name/key": {"data": {"value": "s3same"}},
    "/block_types/slug/login/block_documents/name/db": {"data": {"user": "me", "parts": [{"code": "{{ $HOME }}"}]}},
    "/block_documents/the-id": {"data": {"value": "by-id"}},
    "/block_documents/sly": {"data": {"value": "{{ prefect.blocks.secret.key }}", "more": {"$ref": {"block_document_id": "the-id"}}}},
    "/variables/name/colour": {"value": "green"},
    "/variables/name/sly": {"value": [{"$ref": {"block_document_id": "the-id"}}]},
}


class Table:
    """An API that knows what is in a table, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, errand: Errand[Any]) -> Any:
        try:
            call = next(errand)
            while True:
                assert isinstance(call, Call)
                self.asked.append(call.path)
                call = errand.send(KNOWN[call.path]) if call.path in KNOWN else errand.throw(ObjectNotFound(f"{call.about} not found"))
        except StopIteration as end:
            return end.value


@pytest.mark.anyio
async def test_nobody_is_asked_without_references() -> None:
    """Most job variables have none, and templates of other programs are none either."""
    table = Table()
    config = {"env": {"A": "{{ of.another }}", "B": "{{ prefect.flow_run.id }}", "C": 1, "D": ["{{ x }}"]}}
    assert await resolved(config, table) == (config, [])
    assert not table.asked


@pytest.mark.anyio
async def test_references_become_values() -> None:
    """Alone with their type, within a text as text, each asked for once; a variable that is not there is an empty text."""
    table = Table()
    config = {
        "env": {
            "KEY": "{{ prefect.blocks.secret.key }}",
            "TWICE": "a {{flowhand.blocks.secret.key}} b",
            "NO": "{{ prefect.variables.no }}",
        },
        "login": "{{ prefect.blocks.login.db }}",
        "list": ["{{ prefect.variables.colour }}", {"$ref": {"block_document_id": "the-id"}}],
        "other": 5,
    }
    found, secrets = await resolved(config, table)
    assert found == {
        "env": {"KEY": "s3same", "TWICE": "a s3same b", "NO": ""},
        "login": {"user": "me", "parts": [{"code": "{{ $HOME }}"}]},
        "list": ["green", {"value": "by-id"}],
        "other": 5,
    }
    assert {"s3same", "me", "by-id"} <= set(secrets)
    assert "green" not in secrets
    assert len(table.asked) == len(set(table.asked))


@pytest.mark.anyio
async def test_what_comes_out_of_a_block_is_no_template() -> None:
    """A value that looks like a template is left as it is, so that whoever writes blocks cannot read the worker's environment."""
    found, _ = await resolved({"env": {"CODE": "{{ prefect.blocks.login.db.parts[0].code }}"}}, Table())
    assert found == {"env": {"CODE": "{{ $HOME }}"}}


@pytest.mark.anyio
async def test_what_is_filled_in_is_not_filled_in_again() -> None:
    """Whoever writes a block or a variable has no others read by it."""
    table = Table()
    found, _ = await resolved({"block": {"$ref": {"block_document_id": "sly"}}, "variable": "{{ prefect.variables.sly }}"}, table)
    reference = {"$ref": {"block_document_id": "the-id"}}
    assert found == {"block": {"value": "{{ prefect.blocks.secret.key }}", "more": reference}, "variable": [reference]}
    assert table.asked == ["/block_documents/sly", "/variables/name/sly"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{{ prefect.blocks.secret.nobody }}", "block secret/nobody not found"),
        ({"$ref": {"block_document_id": "nobody"}}, "block nobody not found"),
        ("{{ prefect.blocks.login.db.house }}", "there is no house; there is user, parts"),
        ("{{ prefect.blocks.login }}", "names no block"),
        ("{{ prefect.blocks.login.db }} and more", "is no text"),
    ],
)
async def test_references_that_cannot_be_resolved(value: Any, words: str) -> None:
    """The run is not started, and the error names the reference without its value."""
    with pytest.raises(LaunchError, match="job variables") as caught:
        await resolved({"env": {"A": value}}, Table())
    assert words in str(caught.value)
    assert "s3same" not in str(caught.value)


@pytest.mark.anyio
async def test_an_api_that_is_away_is_no_fault_of_the_run() -> None:
    """Its start cannot be judged: told as what it is, so that the run is handed back and not ended."""

    async def away(_: Errand[Any]) -> Any:
        raise ApiUnavailable("no answer")

    with pytest.raises(ApiUnavailable):
        await resolved({"env": {"KEY": "{{ prefect.blocks.secret.key }}"}}, away)
