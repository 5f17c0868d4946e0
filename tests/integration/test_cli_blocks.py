"""`flowhand block …` and `flowhand variable …` against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowhand.blocks import Secret, String
from support.cli import Do
from support.server import RunningServer

MODULE = """
from flowhand.blocks import Block, Secret

class Lamp(Block):
    "Gives light."
    watts: int

class Lantern(Lamp):
    oil: str
"""


@pytest.fixture(autouse=True)
def api_url(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests themselves look at the same server."""
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)


def test_the_life_of_a_block(do: Do) -> None:
    """List, show with its secrets hidden, delete; by name and by id, as a table and as JSON."""
    document_id = Secret(value="s3same").save("cli")
    assert "secret/cli" in do("block", "ls").out
    assert [one["name"] for one in do("block", "ls", "--type", "secret", "-o", "json").json] == ["cli"]
    shown = do("block", "inspect", "secret/cli").out
    assert "{{ prefect.blocks.secret.cli }}" in shown
    assert "********" in shown
    assert do("block", "inspect", document_id, "-o", "json").json["data"] == {"value": "********"}
    assert "s3same" not in shown
    assert "Deleted the block 'secret/cli'" in do("block", "delete", "secret/cli").out
    assert do("block", "ls", "-o", "json", "--type", "secret").json == []


def test_blocks_that_are_not_there(do: Do) -> None:
    """The nearest name is told, also when the type was left out."""
    String(value="x").save("letters")
    assert "did you mean 'string/letters'?" in do("block", "inspect", "string/leters", code=4).err
    assert "did you mean 'string/letters'?" in do("block", "delete", "letters", code=4).err
    assert "did you mean 'secret'?" in do("block", "ls", "--type", "secre", code=4).err
    assert "did you mean 'local-file-system'?" in do("block", "type", "inspect", "local-filesystem", code=4).err


def test_block_types(do: Do) -> None:
    """Ours are there from the start; a type says what its fields are, and how one is made."""
    assert {"secret", "s3", "docker-container"} <= {one["slug"] for one in do("block", "type", "ls", "-o", "json").json}
    assert "local-file-system" in do("block", "type", "ls").out
    shown = do("block", "type", "inspect", "s3").out
    assert "bucket_path (string, required): Bucket and folder." in shown
    assert "aws_access_key_id (string, secret)" in shown
    assert "get-directory" in shown
    assert do("block", "type", "inspect", "s3", "-o", "json").json["block_schema"]["capabilities"]
    assert "S3(bucket_path=...).save('my-s3')" in do("block", "create", "s3").out


def test_registering(do: Do, tmp_path: Path) -> None:
    """The classes that a file defines itself become types, which can be deleted; a file without any is told."""
    (tmp_path / "lamps.py").write_text(MODULE)
    (tmp_path / "empty.py").write_text("from flowhand.blocks import Secret\n")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    assert do("block", "register", "--file", str(tmp_path / "lamps.py"), "-o", "json").json == ["lamp", "lantern"]
    assert "Gives light." in do("block", "type", "inspect", "lamp").out
    assert "Registered the block type 'secret'" in do("block", "register", "--module", "flowhand.blocks.system").out
    assert "defines no block classes" in do("block", "register", "--file", str(tmp_path / "empty.py"), code=2).err
    assert "ZeroDivisionError" in do("block", "register", "--file", str(tmp_path / "broken.py"), code=2).err
    assert "cannot be loaded" in do("block", "register", "--module", "no.such.module", code=2).err
    assert "give a module (--module) or a file" in do("block", "register", code=2).err
    assert "Deleted the block type 'lamp'" in do("block", "type", "delete", "lamp").out
    do("block", "type", "inspect", "lamp", code=4)


def test_the_life_of_a_variable(do: Do) -> None:
    """Set, list, get, show, set again, unset; a value is JSON where it reads as such, else a text."""
    do("variable", "set", "size", "5", "--tag", "a", "--tag", "b")
    do("variable", "set", "words", "five and six")
    assert do("variable", "get", "size").out == "5\n"
    assert do("variable", "get", "words").out == "five and six\n"
    assert "size" in do("variable", "ls").out
    assert [one["value"] for one in do("variable", "ls", "-o", "json").json] == [5, "five and six"]
    assert "{{ prefect.variables.size }}" in do("variable", "inspect", "size").out
    assert "--overwrite replaces its value" in do("variable", "set", "size", "6", code=1).err
    made = do("variable", "set", "size", '{"a": [1]}', "--overwrite", "-o", "json").json
    assert (made["value"], made["tags"]) == ({"a": [1]}, ["a", "b"])
    do("variable", "unset", "size")
    assert "did you mean 'words'?" in do("variable", "get", "wrds", code=4).err
    assert "String should match pattern" in do("variable", "set", "Not A Name", "1", code=1).err
