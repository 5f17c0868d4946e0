"""Blocks and variables of ours and of a real Prefect client, on our server: each reads what the other has saved."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flowhand.blocks import Block, BlockNotFound, Secret, SlackWebhook, Webhook
from flowhand.blocks.documents import data_of
from flowhand.blocks.schemas import schema_checksum
from flowhand.filesystems import S3, SMB, LocalFileSystem, RemoteFileSystem
from flowhand.infrastructure import DockerContainer
from flowhand.variables import Variable
from support.nested_blocks import Inner, Outer, for_prefect
from support.prefect_client import PrefectClient
from support.server import running_server
from support.storage_servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first one makes the client's environment

READS = f"""{for_prefect()}
import json
from prefect.blocks.notifications import SlackWebhook
from prefect.blocks.system import Secret
from prefect.blocks.webhook import Webhook
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, SMB
from prefect.variables import Variable
def plain(block):
    names = list(type(block).model_fields)
    return json.loads(json.dumps(block.model_dump(context={{"include_secrets": True}}, include=set(names)), default=str))

found = {{kind.get_block_type_slug(): plain(kind.load("ours")) for kind in
         (Secret, Webhook, SlackWebhook, LocalFileSystem, RemoteFileSystem, SMB, Inner, Outer)}}
found["structure"] = Secret.load("structure").get()
found["variable"] = Variable.get("ours")
found["checksums"] = {{kind.__name__: kind._calculate_schema_checksum() for kind in (Inner, Outer)}}
found["reference"] = Outer.load("ours").inner._block_document_name

Secret(value="theirs").save("theirs")
Secret(value={{"a": [1]}}).save("theirs-structure")
Webhook(url="https://example.org/theirs", headers={{"h": "v"}}, method="PUT").save("theirs")
SlackWebhook(url="https://hooks.slack.com/services/theirs").save("theirs")
LocalFileSystem(basepath="/srv/theirs").save("theirs")
RemoteFileSystem(basepath="s3://theirs/code", settings={{"key": "k"}}).save("theirs")
SMB(share_path="/theirs", smb_host="h", smb_password="p").save("theirs")
inner = Inner(code="theirs", points=[Point(x=3, token="t")])
inner.save("theirs")
Outer(inner=inner, other=Inner(code="part"), headers={{"h": "v"}}, where=Point(x=1), anything={{"k": [1]}}).save("theirs")
Secret.load("ours")
Secret(value="theirs now").save("ours-changed", overwrite=True)
Variable.set("theirs", {{"a": 1}})
print("FOUND " + json.dumps(found))
"""

OURS: list[Block] = [
    Secret(value="ours"),
    Webhook.model_validate({"url": "https://example.org/ours", "headers": {"h": "v"}, "method": "PUT"}),
    SlackWebhook.model_validate({"url": "https://hooks.slack.com/services/ours"}),
    LocalFileSystem(basepath="/srv/ours"),
    RemoteFileSystem(basepath="s3://ours/code", settings={"key": "k"}),
    SMB.model_validate({"share_path": "/ours", "smb_host": "h", "smb_password": "p"}),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrefectClient]:
    folder = tmp_path_factory.mktemp("prefect")
    with running_server(folder / "server") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOWHAND_API_URL", server.url)
        client = PrefectClient(server.url, Path(folder) / "user")
        yield client
        client.close()


@pytest.fixture(scope="module")
def found(client: PrefectClient) -> dict[str, Any]:
    """What a program of the client's read of ours; it has saved blocks of its own by then."""
    for block in OURS:
        block.save("ours")
    Secret(value={"a": [1]}).save("structure")
    Secret(value="before").save("ours-changed")
    inner = Inner.model_validate({"code": "ours", "points": [{"x": 3, "token": "t"}]})
    inner.save("ours")
    _outer(inner).save("ours")
    Variable.set("ours", {"a": 1})
    out = client.run(READS)
    return json.loads(next(line for line in out.splitlines() if line.startswith("FOUND ")).removeprefix("FOUND "))


def _outer(inner: Inner) -> Outer:
    fields = {"inner": inner, "other": {"code": "part"}, "headers": {"h": "v"}, "where": {"x": 1}, "anything": {"k": [1]}}
    return Outer.model_validate(fields)


@pytest.mark.parametrize("block", OURS, ids=lambda block: block.get_block_type_slug())
def test_the_client_reads_ours_equal(found: dict[str, Any], block: Block) -> None:
    """Field by field, secrets included."""
    ours = data_of(block)
    theirs = found[block.get_block_type_slug()]
    assert {name: theirs[name] for name in ours} == ours


@pytest.mark.parametrize("block", OURS, ids=lambda block: block.get_block_type_slug())
def test_we_read_the_clients_equal(found: dict[str, Any], block: Block) -> None:
    """Theirs are ours with another word in them."""
    loaded = type(block).load("theirs")
    assert json.dumps(data_of(loaded)).replace("theirs", "ours") == json.dumps(data_of(block))
    assert type(Block.load(f"{block.get_block_type_slug()}/theirs")) is type(block)


def test_secrets_that_are_structures(found: dict[str, Any]) -> None:
    """Both ways."""
    assert found["structure"] == {"a": [1]}
    assert Secret.load("theirs-structure").get() == {"a": [1]}


def test_a_block_saved_over_by_the_client(found: dict[str, Any]) -> None:
    """It brings the schema of its own; what it holds is what we read."""
    assert Secret.load("ours-changed").get() == "theirs now"


def test_the_same_class_has_the_same_checksum(found: dict[str, Any]) -> None:
    """A class of a user's own, with nested blocks and models, secrets in lists and mappings: one type, one schema, on either side."""
    assert found["checksums"] == {"Inner": schema_checksum(Inner), "Outer": schema_checksum(Outer)}


def test_nested_blocks(found: dict[str, Any], client: PrefectClient) -> None:
    """Of a class of a user's own: references stay references, both ways, and no second schema is made."""
    assert found["reference"] == "ours"
    assert found["outer-thing"]["inner"]["code"] == "ours"
    theirs = Outer.load("theirs")
    assert theirs.inner.get_block_placeholder() == "prefect.blocks.inner.theirs"
    token = theirs.inner.points[0].token
    assert token is not None
    assert token.get_secret_value() == "t"
    assert data_of(theirs) | {"inner": 0} == data_of(_outer(theirs.inner)) | {"inner": 0}
    kind = client.get("/block_types/slug/outer-thing")
    assert len(client.post("/block_schemas/filter", block_schemas={"block_type_id": {"any_": [kind["id"]]}})) == 1


def test_variables(found: dict[str, Any]) -> None:
    """Both ways."""
    assert found["variable"] == {"a": 1}
    assert Variable.get("theirs") == {"a": 1}


def test_the_clients_commands_see_our_types(client: PrefectClient, found: dict[str, Any]) -> None:
    """`prefect block type ls` and `prefect block ls` list what we have."""
    types = client.cli("block", "type", "ls")
    assert all(slug in types for slug in ("docker-container", "github-credentials", "outer-thing"))
    assert "/ours" in client.cli("block", "ls")
    assert "********" in client.cli("block", "inspect", "secret/ours")


def test_on_a_prefect_server(client: PrefectClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours are saved, loaded, replaced, kept without a name and deleted on a real Prefect server as on our own."""
    port = free_port()
    with client.running("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-services"):
        monkeypatch.setenv("FLOWHAND_API_URL", url := f"http://127.0.0.1:{port}/api")
        client.until(lambda: _answers(f"{url}/health"), "Prefect's server answers", 120)
        for block in [*OURS, DockerContainer(image="img"), S3.model_validate({"bucket_path": "b", "aws_secret_access_key": "k"})]:
            document_id = block.save("ours", overwrite=True)
            assert type(block).load("ours") == Block.load_from_ref(document_id) == block
        inner = Inner.model_validate({"code": "c", "points": [{"x": 1, "token": "t"}]})
        inner.save("ours")
        outer = _outer(inner)
        outer.save("ours")
        assert Outer.load("ours") == outer
        assert Outer.load("ours").inner.get_block_placeholder() == "prefect.blocks.inner.ours"
        quiet = Secret(value="quiet")
        assert quiet.save("anonymous-x", is_anonymous=True) == quiet.save("anonymous-x", overwrite=True, is_anonymous=True)
        assert Secret.load("anonymous-x").get() == "quiet"
        Secret.delete("ours")
        with pytest.raises(BlockNotFound, match="secret/ours"):
            Secret.load("ours")
        Variable.set("ours", [1])
        assert (Variable.get("ours"), Variable.unset("ours"), Variable.get("ours")) == ([1], True, None)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
