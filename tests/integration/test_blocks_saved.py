"""Blocks and variables at a real server: saved, loaded, referred to, deleted, from plain and from async code."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import Field, SecretStr

from flowhand.blocks import JSON, Block, BlockNotFound, DateTime, GitHubCredentials, Secret, SecretDict, String
from flowhand.blocks.registry import BUILT_IN
from flowhand.errors import ObjectNotFound
from flowhand.filesystems import S3, LocalFileSystem, RemoteFileSystem
from flowhand.variables import Variable
from support.rest import Rest
from support.server import RunningServer


class Key(Block):
    """Opens a door."""

    code: SecretStr


class Door(Block):
    """Has keys."""

    key: Key
    spare: list[Key] = Field(default_factory=list[Key])
    notes: SecretDict | None = None


@pytest.fixture(autouse=True)
def rest(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Generator[Rest]:
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    user = Rest(server.url, headers=server.headers)
    yield user
    user.http.close()


BLOCKS: list[Block] = [
    Secret(value="s3same"),
    Secret(value={"user": "u", "parts": ["p"]}),
    JSON(value={"a": [1, None]}),
    String(value="text"),
    DateTime(value=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    LocalFileSystem(basepath="/srv/code"),
    RemoteFileSystem(basepath="s3://bucket/code", settings={"key": "k", "client_kwargs": {"endpoint_url": "http://x"}}),
    S3.model_validate({"bucket_path": "b/c", "aws_access_key_id": "id"}),
    GitHubCredentials.model_validate({"token": "ghp_x"}),
    Door.model_validate({"key": {"code": "1"}, "spare": [{"code": "2"}], "notes": {"under": "the mat"}}),
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_what_was_saved_is_loaded(block: Block) -> None:
    """By its class, by its type and name, and by its id, it comes back equal, secrets included."""
    document_id = block.save("thing", overwrite=True)
    slug = block.get_block_type_slug()
    assert type(block).load("thing") == Block.load(f"{slug}/thing") == Block.load_from_ref(document_id) == block
    assert type(block).load_from_ref({"block_document_slug": f"{slug}/thing"}) == block


def test_the_server_hides_and_encrypts_what_is_secret(server: RunningServer, rest: Rest) -> None:
    """Also in lists and mappings; what is no secret is shown."""
    Door.model_validate({"key": {"code": "c0de-1"}, "spare": [{"code": "c0de-2"}], "notes": {"under": "c0de-3"}}).save("hidden")
    shown = rest.read("/block_types/slug/door/block_documents/name/hidden")["data"]
    assert shown["key"]["code"] == shown["spare"][0]["code"] == shown["notes"]["under"] == "********"
    RemoteFileSystem(basepath="s3://b", settings={"secret": "c0de-4"}).save("hidden")
    assert rest.read("/block_types/slug/remote-file-system/block_documents/name/hidden")["data"] == {
        "basepath": "s3://b",
        "settings": {"secret": "********"},
    }
    for file in (server.home / "server").iterdir():
        assert b"c0de-" not in file.read_bytes(), file


def test_a_saved_block_in_a_field_is_shared(rest: Rest) -> None:
    """The document refers to it: whoever loads it gets what the other document holds by now."""
    key = Key.model_validate({"code": "old"})
    key.save("shared")
    Door(key=key).save("shared")
    Key.model_validate({"code": "new"}).save("shared", overwrite=True)
    door = Door.load("shared")
    assert door.key.code.get_secret_value() == "new"
    assert door.key.get_block_placeholder() == "prefect.blocks.key.shared"
    assert door.key == Key.load("shared")


def test_a_name_is_taken_once() -> None:
    """Saving over another needs `overwrite`; then the id stays, and fields that are not there any more go with the rest."""
    first = String(value="one").save("taken")
    with pytest.raises(ValueError, match="there is a block string/taken already"):
        String(value="two").save("taken")
    assert String(value="two").save("taken", overwrite=True) == first
    assert String.load("taken").value == "two"
    with pytest.raises(ValueError, match=r'String\(\.\.\.\).save\("my-string"\)'):
        String(value="x").save()


def test_a_loaded_block_knows_its_name() -> None:
    """Changed and saved again it needs no name."""
    String(value="one").save("mine")
    loaded = String.load("mine")
    loaded.value = "changed"
    loaded.save(overwrite=True)
    assert String.load("mine").value == "changed"


def test_unknown_blocks_are_named() -> None:
    """An ObjectNotFound, and a ValueError for those who know it as that; after a delete as well."""
    with pytest.raises(ObjectNotFound, match="there is no block string/nobody"):
        String.load("nobody")
    with pytest.raises(ValueError, match="there is no block nosuch/thing"):
        Block.load("nosuch/thing")
    String(value="x").save("gone")
    String.delete("gone")
    with pytest.raises(BlockNotFound, match="string/gone"):
        String.delete("gone")


def test_anonymous_blocks_are_not_listed(rest: Rest) -> None:
    """They need no name, get one, and are found by it and by their id."""
    block = String(value="quiet")
    document_id = block.save(is_anonymous=True)
    assert block.is_anonymous
    assert Block.load_from_ref(document_id).is_anonymous
    assert Block.load(block.get_block_placeholder().removeprefix("prefect.blocks.").replace(".", "/", 1)) == block
    assert document_id not in {one["id"] for one in rest.made("/block_documents/filter", limit=200)}


def test_async_code_awaits() -> None:
    """The same names, awaited; a coroutine that forgets to await gets a coroutine, not a blocked loop."""

    async def use() -> str:
        await Secret(value="x").save("async", overwrite=True)  # pyright: ignore[reportGeneralTypeIssues]
        loaded = await Secret.load("async")  # pyright: ignore[reportGeneralTypeIssues]
        await Secret.delete("async")  # pyright: ignore[reportGeneralTypeIssues]
        return loaded.get()

    assert asyncio.run(use()) == "x"
    with pytest.raises(BlockNotFound):
        Secret.load("async")


def test_every_built_in_type_is_there_from_the_start(server: RunningServer, rest: Rest) -> None:
    """With a schema that has the checksum which the class asks for: saving one registers nothing."""
    types = {one["slug"]: one for one in rest.made("/block_types/filter", limit=200)}
    assert set(BUILT_IN) <= types.keys()
    for slug in BUILT_IN:
        schemas = rest.made("/block_schemas/filter", block_schemas={"block_type_id": {"any_": [types[slug]["id"]]}})
        assert len(schemas) == 1, slug
    GitHubCredentials().save("registered", overwrite=True)
    after = rest.made("/block_schemas/filter", block_schemas={"block_type_id": {"any_": [types["github-credentials"]["id"]]}})
    assert len(after) == 1
    assert "run-infrastructure" in rest.read("/block_capabilities/")


def test_a_type_of_ones_own_is_registered(rest: Rest) -> None:
    """With its description and capabilities, nested types first; registering again changes nothing, a new description is told."""
    Door.register_type_and_schema()
    Door.register_type_and_schema()
    door = rest.read("/block_types/slug/door")
    assert door["description"] == "Has keys."
    assert len(rest.made("/block_schemas/filter", block_schemas={"block_type_id": {"any_": [door["id"]]}})) == 1
    Door._description = "Has other keys."  # pyright: ignore[reportPrivateUsage]  # how an author words it
    Door.register_type_and_schema()
    assert rest.read("/block_types/slug/door")["description"] == "Has other keys."


def test_variables() -> None:
    """Any JSON value; taken once; a default where there is none; gone when unset."""
    assert Variable.get("nothing") is None
    assert Variable.get("nothing", 5) == 5
    assert Variable.set("numbers", {"a": [1, 2.5, None]}, tags=["t"]) == Variable("numbers", {"a": [1, 2.5, None]}, ["t"])
    with pytest.raises(ValueError, match="there is a variable 'numbers' already"):
        Variable.set("numbers", 1)
    assert Variable.set("numbers", 1, overwrite=True) == Variable("numbers", 1, ["t"])
    assert Variable.get("numbers") == 1
    assert (Variable.unset("numbers"), Variable.unset("numbers")) == (True, False)


def test_variables_in_async_code() -> None:
    """The same, awaited."""

    async def use() -> Any:
        await Variable.set("soon", "x", overwrite=True)  # pyright: ignore[reportGeneralTypeIssues]
        return await Variable.get("soon")

    assert asyncio.run(use()) == "x"
