"""Frames of the keeper's protocol."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowhand.keeper.protocol import MAX_FRAME, Garbage, Unpacker, pack

messages = st.lists(st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.text(max_size=50), st.none()), max_size=4), max_size=6)


@given(messages, st.integers(1, 17))
def test_however_the_stream_is_cut_the_messages_are_the_same(sent: list[dict[str, object]], step: int) -> None:
    stream = b"".join(pack(message) for message in sent)
    unpacker = Unpacker()
    heard = [message for at in range(0, len(stream), step) for message in unpacker.feed(stream[at : at + step])]
    assert heard == sent


@pytest.mark.parametrize("frame", [struct.pack("<I", MAX_FRAME + 1), struct.pack("<I", 2) + b"{]", struct.pack("<I", 4) + b"null"])
def test_what_is_no_frame_is_garbage(frame: bytes) -> None:
    with pytest.raises(Garbage):
        Unpacker().feed(frame)
