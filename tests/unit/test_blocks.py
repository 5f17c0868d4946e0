"""Blocks without an API: fields, schemas, what is secret, what a document becomes."""

from __future__ import annotations

import importlib
import subprocess
import sys
from abc import ABC, abstractmethod
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError

from flowhand.blocks import JSON, Block, InvalidBlock, Secret, SecretDict, UnknownBlockType
from flowhand.blocks.capabilities import can, require
from flowhand.blocks.documents import block_of, data_of
from flowhand.blocks.errands import where
from flowhand.blocks.naming import description_in, example_in, slug_of
from flowhand.blocks.registry import BUILT_IN, class_of
from flowhand.blocks.schemas import nested_blocks, schema_checksum
from flowhand.blocks.secret_types import SecretValues, secret_texts
from flowhand.errors import BlockMissingCapabilities
from flowhand.filesystems import GitHub, LocalFileSystem
from flowhand.infrastructure import DockerContainer, DockerRegistry, Process
from support.built_in_blocks import FILE, text


class Lock(Block):
    """What closes a door.

    Attributes:
        code: who knows it gets in
    """

    code: SecretStr
    turns: int = 1


class Plain(BaseModel):
    """No block, but it has a secret."""

    token: SecretStr
    notes: list[str] = Field(default_factory=list)


class House(Block):
    """Nests whatever can be nested."""

    _block_type_name = "Big House"

    front: Lock
    back: list[Lock] = Field(default_factory=list[Lock])
    by_name: dict[str, Lock] = Field(default_factory=dict[str, Lock])
    plain: Plain | None = None
    headers: SecretDict | None = None
    settings: Annotated[SecretValues, Field(repr=False)] = Field(default_factory=dict[str, Any])
    anything: Block | None = None
    other: int = Field(default=1, alias="alias")


def test_the_servers_file_is_what_the_classes_say() -> None:
    """The block types that a server begins with are made from the classes; a change of one without the other fails here."""
    assert FILE.read_text(encoding="utf-8") == text(), "run: python tests/support/built_in_blocks.py"


@pytest.mark.parametrize("slug", BUILT_IN)
def test_each_type_of_ours_is_found_by_its_slug(slug: str) -> None:
    """The table of modules names the right module for every type."""
    kind = class_of(slug)
    assert (kind.get_block_type_slug(), kind.__module__) == (slug, BUILT_IN[slug])
    assert kind.is_built_in()
    assert kind.get_description()


@pytest.mark.parametrize(
    ("name", "slug"), [("MyBlk", "myblk"), ("Local File System", "local-file-system"), ("Büro 2", "buro-2"), ("  A__b ", "a-b")]
)
def test_slugs(name: str, slug: str) -> None:
    """As the contract makes them: no dash within a word, one between words, nothing but ASCII."""
    assert slug_of(name) == slug


def test_words_of_a_type_come_from_its_docstring() -> None:
    """The description ends where the sections begin; the example is a section of its own."""
    assert Lock.get_description() == "What closes a door."
    assert example_in("A.\n\n    Example:\n        one()\n          two()\n\n    Raises:\n        X") == "one()\n  two()"
    assert (description_in(None), example_in("Nothing to see.")) == (None, None)


def test_where_secrets_are() -> None:
    """Paths of secrets through models, lists and unions; all of a mapping where its keys are not known."""
    schema = House.model_json_schema()
    assert schema["secret_fields"] == ["front.code", "back.code", "by_name.*", "plain.token", "headers.*", "settings.*"]
    assert Lock.model_json_schema()["secret_fields"] == ["code"]


def test_a_schema_names_the_nested_types() -> None:
    """By slug and checksum, with the definitions beside it; positions count from 0."""
    schema = House.model_json_schema()
    assert schema["block_schema_references"]["front"] == {"block_type_slug": "lock", "block_schema_checksum": schema_checksum(Lock)}
    assert schema["definitions"]["Lock"]["block_type_slug"] == "lock"
    assert [schema["properties"][name]["position"] for name in ("front", "alias")] == [0, 7]
    assert "$defs" not in schema
    assert Lock in nested_blocks(House)


def test_data_has_its_secrets_in_the_clear() -> None:
    """What is sent is JSON with secrets revealed at every depth; a saved block in a field is a reference, another a part of the whole."""
    saved = Lock(code="1")  # pyright: ignore[reportArgumentType]  # pydantic reads text
    saved.remember_document("11111111-1111-4111-8111-111111111111", "front")
    house = House.model_validate(
        {
            "front": saved,
            "back": [{"code": "2"}],
            "by_name": {"side": {"code": "3"}},
            "plain": {"token": "4"},
            "headers": {"h": "5"},
            "settings": {"secret": "6", "region": "eu"},
            "anything": {"block_type_slug": "json", "value": {"x": [7]}},
            "alias": 8,
        }
    )
    assert data_of(house) == {
        "front": {"$ref": {"block_document_id": "11111111-1111-4111-8111-111111111111"}},
        "back": [{"code": "2", "turns": 1, "block_type_slug": "lock"}],
        "by_name": {"side": {"code": "3", "turns": 1, "block_type_slug": "lock"}},
        "plain": {"token": "4", "notes": []},
        "headers": {"h": "5"},
        "settings": {"secret": "6", "region": "eu"},
        "anything": {"value": {"x": [7]}, "block_type_slug": "json"},
        "alias": 8,
    }
    assert not {f"'{number}'" for number in range(1, 7)} & set(repr(house).replace("(", " ").replace(")", " ").split())
    assert set(secret_texts(house)) == {"1", "2", "3", "4", "5", "6"}


def _document(slug: str, data: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "i", "name": "n", "block_type": {"slug": slug}, "data": data, **fields}


def test_a_document_becomes_a_block_of_its_type() -> None:
    """By its slug when any block is wanted; nested documents as well, each knowing under which name it is saved."""
    child = {"id": "c", "name": "front", "block_type": {"slug": "json"}, "block_document_references": {}}
    document = _document("big-house", {"front": {"code": "1"}, "anything": {"value": 2}})
    house = block_of(document | {"block_document_references": {"anything": {"block_document": child}}}, Block)
    assert isinstance(house, House)
    assert isinstance(house.anything, JSON)
    assert house.anything.get_block_placeholder() == "prefect.blocks.json.front"
    assert house.get_block_placeholder() == "prefect.blocks.big-house.n"


def test_fields_of_a_newer_client_are_left_alone() -> None:
    """A document may hold more than the class knows."""
    assert block_of(_document("lock", {"code": "1", "alarm": True}), Lock).turns == 1


def test_a_document_that_does_not_fit() -> None:
    """Named with the field, without its value; taken as it is when nobody validates."""
    with pytest.raises(InvalidBlock, match=r"block lock/n does not fit Lock: turns: .*integer") as caught:
        block_of(_document("lock", {"code": "sesame", "turns": "hush"}), Lock)
    assert "sesame" not in str(caught.value)
    assert "hush" not in str(caught.value)
    assert block_of(_document("lock", {"turns": "hush"}), Lock, validate=False).turns == "hush"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cod": "x"}, "Lock has no field 'cod'; did you mean 'code'?"),
        ({"code": "x", "zzz": 1}, "Lock has no field 'zzz'; it has code, turns"),
    ],
)
def test_unknown_fields_are_told(fields: dict[str, Any], words: str) -> None:
    """A misspelt field is an error that names the nearest one, and quotes no value."""
    with pytest.raises(ValidationError) as caught:
        Lock.model_validate(fields)
    assert words in str(caught.value)
    assert "input_value" not in str(caught.value)


def test_a_field_takes_only_its_kind() -> None:
    """A mapping that says of which type it is becomes that, unless the field wants another."""
    with pytest.raises(ValidationError, match="a block of the type 'secret' is no Lock"):
        House.model_validate({"front": {"block_type_slug": "secret", "value": "x"}})


def test_unknown_types_are_told() -> None:
    """With the nearest name, else with what to do."""
    with pytest.raises(UnknownBlockType, match="did you mean 'local-file-system'"):
        class_of("local-filesystem")
    with pytest.raises(UnknownBlockType, match="import the module that defines it"):
        Block.get_block_class_from_key("nothing-like-it")


@pytest.mark.parametrize(
    ("kind", "name", "found"),
    [(Lock, "a", ("lock", "a")), (Lock, "lock/a", ("lock", "a")), (Block, "secret/a", ("secret", "a"))],
)
def test_names(kind: type[Block], name: str, found: tuple[str, str]) -> None:
    """A class knows its type; `Block` has to be told."""
    assert where(kind, name) == found


@pytest.mark.parametrize(
    ("kind", "name", "words"), [(Block, "a", "of which type"), (Lock, "secret/a", "not the name of a Lock"), (Block, "a/", "not the name")]
)
def test_names_that_cannot_be(kind: type[Block], name: str, words: str) -> None:
    """A ValueError before anything is asked."""
    with pytest.raises(ValueError, match=words):
        where(kind, name)


def test_secrets_keep_their_type() -> None:
    """Text stays text, also when it reads like a number; a structure stays one; neither shows."""
    assert [Secret(value=value).get() for value in ("5", '{"a": 1}', {"a": 1}, [1])] == ["5", '{"a": 1}', {"a": 1}, [1]]
    assert "sesame" not in repr(Secret(value="sesame")) + str(Secret(value={"a": "sesame"}))


def test_capabilities_are_those_of_all_bases() -> None:
    """What a block can do is what its class and its bases say; asking for more is an error that names it."""
    assert LocalFileSystem.get_block_capabilities() == {"get-directory", "put-directory", "read-path", "write-path"}
    assert can(GitHub(repository="https://example.org/x.git"), "get-directory")
    require(Process(), "run-infrastructure")
    with pytest.raises(BlockMissingCapabilities, match="a Secret block cannot give out a folder of code"):
        require(Secret(value="x"), "get-directory")
    with pytest.raises(BlockMissingCapabilities, match="a GitHub block cannot take a folder"):
        require(GitHub(repository="https://example.org/x.git"), "put-directory")


def test_abstract_classes_are_no_types() -> None:
    """A class with abstract methods is no type of its own; what derives from it is."""

    class Notifier(Block, ABC):
        @abstractmethod
        def notify(self) -> None: ...

    class Bell(Notifier):
        def notify(self) -> None: ...

    assert class_of("bell") is Bell
    with pytest.raises(UnknownBlockType):
        class_of("notifier")


def test_fields_are_set_before_the_hook_is_called() -> None:
    """`block_initialization` is for subclasses that derive things from their fields."""
    seen: list[int] = []

    class Counter(Block):
        start: int

        def block_initialization(self) -> None:
            seen.append(self.start)

    Counter(start=3)
    assert seen == [3]


def test_infrastructure_as_job_variables() -> None:
    """What an infrastructure block says, in the words of a pool of its type; what it leaves open is the pool's."""
    registry = DockerRegistry.model_validate({"username": "me", "password": "p", "registry_url": "registry.example.org"})
    box = DockerContainer(image="img", image_pull_policy="ALWAYS", env={"A": "1"}, command=["python", "-m", "x"], image_registry=registry)
    assert box.job_variables() == {
        "registry_credentials": {"username": "me", "password": "p", "registry_url": "registry.example.org", "reauth": True},
        "image": "img",
        "image_pull_policy": "Always",
        "env": {"A": "1"},
        "command": "python -m x",
        "auto_remove": False,
        "privileged": False,
        "stream_output": True,
    }
    assert (DockerContainer.pool_type, Process.pool_type) == ("docker", "process")


def test_the_package_loads_nothing() -> None:
    """`import flowhand.blocks` costs no pydantic and no httpx; the names do when they are used."""
    heavy = "{'pydantic', 'httpx'} & set(sys.modules)"
    program = f"import sys, flowhand.blocks as b\nassert not {heavy}\nassert b.Webhook and {heavy}"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_prefects_paths() -> None:
    """A script moves over by changing its imports' first word."""
    for path, name in {
        "core": "Block",
        "system": "Secret JSON String DateTime",
        "notifications": "SlackWebhook",
        "webhook": "Webhook",
        "fields": "SecretDict",
    }.items():
        module = importlib.import_module(f"flowhand.blocks.{path}")
        assert all(hasattr(module, one) for one in name.split())


INFRASTRUCTURE: dict[str, Any] = {"env": {"A": "1"}, "labels": {}, "name": None, "command": ["python", "x.py"], "stream_output": True}
OLDER: dict[str, dict[str, Any]] = {
    "secret": {"value": "s"},
    "date-time": {"value": "2026-01-02T00:00:00+00:00"},
    "s3": {"bucket_path": "b/c", "aws_access_key_id": "i", "aws_secret_access_key": "k"},
    "gcs": {"bucket_path": "b", "service_account_info": "{}", "project": "p"},
    "azure": {"bucket_path": "b", "azure_storage_connection_string": "c", "azure_storage_anon": True, "azure_storage_container": "d"},
    "github": {"repository": "https://github.com/a/b", "reference": "main", "access_token": "t", "include_git_objects": True},
    "smb": {"share_path": "/s", "smb_host": "h", "smb_password": "p", "smb_username": None, "smb_port": None},
    "process": {**INFRASTRUCTURE, "type": "process", "working_dir": "/tmp"},
    "docker-container": {
        **INFRASTRUCTURE,
        "type": "docker-container",
        "image": "i",
        "image_pull_policy": "ALWAYS",
        "image_registry": {"username": "u", "password": "p", "registry_url": "r", "reauth": True},
        "volumes": ["a:b"],
    },
    "kubernetes-job": {
        **INFRASTRUCTURE,
        "type": "kubernetes-job",
        "image": "i",
        "namespace": "n",
        "customizations": [],
        "job": {"kind": "Job"},
    },
    "slack-webhook": {"url": "https://hooks.slack.com/services/x", "notify_type": "prefect_default"},
}
"""Documents as a client of Prefect 2.20 writes them."""


@pytest.mark.parametrize("slug", OLDER)
def test_documents_of_older_clients(slug: str) -> None:
    """They are read, and hold what was written as far as we know it."""
    data = OLDER[slug]
    kept = data_of(block_of(_document(slug, data), Block))
    kept.get("image_registry", {}).pop("block_type_slug", None)
    assert {name: kept[name] for name in data if name in kept and slug != "date-time"}.items() <= data.items()
    assert set(data) - set(kept) <= {"customizations", "job"}
