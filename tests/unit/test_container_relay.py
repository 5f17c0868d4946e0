"""What carries a container's channel to the keeper (execution/containers/relay.py)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flowhand.execution.containers.relay import MAX_GATHERED, Relay
from flowhand.wire.job import CHANNEL_FILE
from flowhand.wire.records import MAX_BODY, MORE


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[socket.socket, socket.socket]]:
    """The keeper's end, and the container's."""
    keeper, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    relay = Relay(tmp_path, ours.detach())
    relay.start()
    inside = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with closing(keeper), closing(inside):
        keeper.settimeout(10)
        inside.connect(os.path.relpath(tmp_path / CHANNEL_FILE))
        yield keeper, inside
    relay.close(5)


def test_a_frame_without_an_end_is_dropped_and_told(ends: tuple[socket.socket, socket.socket], capfd: pytest.CaptureFixture[str]) -> None:
    """The host's memory is not filled; all of that frame goes, and the next frame arrives."""
    keeper, inside = ends
    piece = bytes([MORE]) + bytes(MAX_BODY - 1)
    for _ in range(MAX_GATHERED // len(piece) + 2):
        inside.send(piece)
    inside.send(b"\0its last piece")
    inside.send(bytes([MORE]) + b"the next")
    inside.send(b"\0 one")
    assert [keeper.recv(MAX_BODY), keeper.recv(MAX_BODY)] == [bytes([MORE]) + b"the next", b"\0 one"]
    assert f"{MAX_GATHERED} bytes are the limit" in capfd.readouterr().err
