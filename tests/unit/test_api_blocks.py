"""Checksums of block schemas and what is hidden of their data (contract 9)."""

from __future__ import annotations

from typing import Any

import pytest

from flowhand.wire.blocks import checksum
from flowhand_server.secret_fields import hidden, merged
from flowhand_server.vault import Vault

FILE_SYSTEM = {
    "block_type_slug": "local-file-system",
    "description": "Store data as a file on a local file system.",
    "properties": {
        "basepath": {
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "default": None,
            "description": "Default local path for this block to write to.",
            "title": "Basepath",
            "position": 0,
        }
    },
    "secret_fields": [],
    "title": "LocalFileSystem",
    "type": "object",
    "block_schema_references": {},
}


def test_a_checksum_that_a_client_computes_too() -> None:
    """The checksum of a schema as Prefect 3.9.1 sends it is the one that it asks for afterwards."""
    assert checksum(FILE_SYSTEM) == "sha256:0fc8b7f936f38f465715ef2df4a817ac9fe38b80bb01d5c6c9649a6da6ae6971"


def test_checksums_look_past_secrets_and_nested_blocks() -> None:
    """Paths of secrets and definitions of blocks do not count, other definitions do, as far as they are referred to."""
    bare: dict[str, Any] = {"properties": {"a": {"$ref": "#/definitions/A"}, "b": {"$ref": "#/definitions/B"}}}
    plain = {"type": "object", "title": "A"}
    full = bare | {"secret_fields": ["a"], "definitions": {"A": plain, "B": {"block_type_slug": "b"}, "C": {"type": "string"}}}
    assert checksum(full) == checksum(bare | {"definitions": {"A": plain}})
    assert checksum(full) != checksum(bare)


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        ([], {"a": "s", "b": {"c": "s", "d": 1}, "n": None}),
        (["a"], {"a": "********", "b": {"c": "s", "d": 1}, "n": None}),
        (["b.c"], {"a": "s", "b": {"c": "********", "d": 1}, "n": None}),
        (["b.*"], {"a": "s", "b": {"c": "********", "d": "********"}, "n": None}),
        (["b", "n", "x.y"], {"a": "s", "b": {"c": "********", "d": "********"}, "n": None}),
    ],
)
def test_hiding(paths: list[str], shown: dict[str, Any]) -> None:
    """What stands at a secret's path is hidden, all below it with `*`; null stays null."""
    assert hidden({"a": "s", "b": {"c": "s", "d": 1}, "n": None}, paths) == shown


def test_secrets_in_lists() -> None:
    """A path goes on in each part of a list; hidden parts that come back are the old ones, unless the list has another length."""
    old = {"keys": [{"code": "a", "n": 1}, {"code": "b", "n": 2}]}
    shown = hidden(old, ["keys.code"])
    assert shown == {"keys": [{"code": "********", "n": 1}, {"code": "********", "n": 2}]}
    assert merged(old, shown, ["keys.code"], keep_others=False) == old
    changed = {"keys": [{"code": "********", "n": 1}, {"code": "new", "n": 2}]}
    assert merged(old, changed, ["keys.code"], keep_others=True) == {"keys": [{"code": "a", "n": 1}, {"code": "new", "n": 2}]}
    shorter = {"keys": [{"code": "c", "n": 3}]}
    assert merged(old, shorter, ["keys.code"], keep_others=True) == shorter


def test_hidden_values_that_come_back_change_nothing() -> None:
    """A client that shows a document and saves it again keeps its secrets, also nested ones."""
    old = {"a": "s", "b": {"c": "s", "d": 1}}
    paths = ["a", "b.c"]
    assert merged(old, hidden(old, paths), paths, keep_others=False) == old
    assert merged(old, {"b": {"c": "********", "d": 2}}, paths, keep_others=True) == {"a": "s", "b": {"c": "s", "d": 2}}
    assert merged(old, {"a": "new"}, paths, keep_others=False) == {"a": "new"}


def test_the_vault_opens_what_it_locked(tmp_path: Any) -> None:
    """Two vaults with one key file understand each other; the file is its owner's alone."""
    path = tmp_path / "secrets.key"
    locked = Vault(path).lock({"a": [1, "open sesame"]})
    assert "sesame" not in locked
    assert Vault(path).open(locked) == {"a": [1, "open sesame"]}
    assert path.stat().st_mode & 0o777 == 0o600
