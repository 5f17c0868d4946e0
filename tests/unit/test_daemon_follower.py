"""The follower: the same bytes give the same lines with the same seq, however they arrive and wherever a reader begins."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowhand.daemon.follower import LINE_BYTES, Follower
from flowhand.execution.launcher import Channel, Sizes
from flowhand.redaction import MASK, Redactor
from flowhand.wire import records
from flowhand.wire.runner import LogLine


class Files:
    """The reading half of a launcher, over bytes in memory."""

    def __init__(self, channel: bytes = b"", stdout: bytes = b"", stderr: bytes = b"") -> None:
        self.data = {Channel.CHANNEL: channel, Channel.STDOUT: stdout, Channel.STDERR: stderr}

    async def read(self, key: str, channel: Channel, offset: int, limit: int) -> bytes:
        """As Launcher.read."""
        return self.data[channel][offset : offset + limit]

    def sizes(self, upto: int | None = None) -> Sizes:
        """How long the files are, or how long they were when each had at most `upto` bytes."""
        return Sizes(*(len(data) if upto is None else min(upto, len(data)) for data in self.data.values()))


async def follow(
    files: Files, steps: list[int], marks: dict[str, int] | None = None, budget: int = 1 << 30, own: tuple[Redactor, ...] = ()
) -> list[LogLine]:
    """Everything a follower says when the files grow in these steps."""
    follower = Follower("r.1", files, marks)  # type: ignore[arg-type]
    lines: list[LogLine] = []
    for step in [*steps, None]:
        follower.grown(files.sizes(step), 1)
        follower.ended = step is None
        lines += (await follower.take(budget, *own)).lines
        while step is None and follower.pending:
            lines += (await follower.take(budget, *own)).lines
    return lines


def log_record(text: str, pid: int = 7) -> bytes:
    """A log frame as the keeper files it, in parts where it is long."""
    body = json.dumps({"k": "log", "t": 5, "l": 20, "n": "x", "m": text}).encode()
    pieces = [body[at : at + 60_000] for at in range(0, len(body), 60_000)]
    parts = [records.encode(piece, pid, records.MORE) for piece in pieces[:-1]]
    return b"".join((*parts, records.encode(pieces[-1], pid)))


@pytest.mark.anyio
async def test_lines_carry_the_offset_behind_them() -> None:
    """A line's seq is where its newline ends; empty lines are passed over."""
    lines = await follow(Files(stdout=b"one\n\ntwo\r\nthree"), [])
    assert [(line[1], line[5]) for line in lines] == [(4, "one"), (10, "two"), (15, "three")]


@pytest.mark.anyio
async def test_half_a_line_waits_for_its_rest() -> None:
    """A line that is still being written is not said before its newline, or before the end."""
    files = Files(stdout=b"partly")
    follower = Follower("r.1", files)  # type: ignore[arg-type]
    follower.grown(files.sizes(), 1)
    assert (await follower.take(1000)).lines == []
    follower.ended = True
    assert [line[5] for line in (await follower.take(1000)).lines] == ["partly"]


@pytest.mark.anyio
async def test_a_line_of_ten_megabytes_comes_in_parts_and_whole() -> None:
    """No byte of it is lost, no part is longer than the bound."""
    files = Files(stdout=b"x" * 10_000_000 + b"\nafter\n")
    lines = await follow(files, [1_000_000, 5_000_001])
    assert sum(len(line[5]) for line in lines[:-1]) == 10_000_000
    assert max(len(line[5]) for line in lines) <= LINE_BYTES
    assert lines[-1][5] == "after"
    assert len({line[1] for line in lines}) == len(lines)


@settings(max_examples=80, deadline=None)
@given(
    text=st.binary(max_size=400).map(lambda raw: raw.replace(b"\x00", b"0")),
    steps=st.lists(st.integers(0, 400), max_size=6).map(sorted),
    start=st.integers(0, 400),
    budget=st.integers(1, 500),
)
def test_any_reader_says_the_same_lines_from_its_mark_on(text: bytes, steps: list[int], start: int, budget: int) -> None:
    """Read in any steps, with any budget, from any mark: what is said is what one whole reading says behind that mark."""
    import anyio

    whole = anyio.run(follow, Files(stdout=text, stderr=text), [])
    again = anyio.run(follow, Files(stdout=text, stderr=text), steps, {"stdout": start, "stderr": start}, budget)
    strip = [line[:2] + line[3:] for line in sorted(whole) if line[1] > start]
    assert [line[:2] + line[3:] for line in sorted(again)] == strip


@pytest.mark.anyio
async def test_frames_in_parts_from_two_senders_come_together() -> None:
    """Parts are joined by sender, and a torn last record waits."""
    long = "y" * 150_000
    one, two = log_record(long, 1), log_record("short", 2)
    header = records.HEADER.size
    mixed = one[: header + 60_000] + two + one[header + 60_000 :]
    lines = await follow(Files(channel=mixed + log_record("torn")[:-3]), [70_000])
    texts = [line[5] for line in lines]
    assert texts[0] == "short"
    assert "".join(texts[1:]) == long
    assert len({line[1] for line in lines}) == len(lines)


SECRET = "correct-horse-battery-staple"


@pytest.mark.anyio
@pytest.mark.parametrize("before", [LINE_BYTES - len(SECRET), LINE_BYTES - len(SECRET) + 1, LINE_BYTES - 9, LINE_BYTES - 1, LINE_BYTES])
@pytest.mark.parametrize("named", [True, False], ids=["the run's", "the daemon's"])
async def test_no_line_is_cut_within_a_secret(before: int, named: bool) -> None:
    """So that masking its parts masks the whole, wherever the secret stands and however the bytes arrive."""
    text = "x" * before + SECRET + "y" * LINE_BYTES
    channel = records.encode(json.dumps({"k": "secret", "v": SECRET}).encode(), 7) if named else b""
    known = Redactor([SECRET])
    files = Files(channel + log_record("ä" + text), stdout=text.encode(), stderr=f"{text}\n".encode())
    lines = await follow(files, [LINE_BYTES - 3, LINE_BYTES + 5], own=() if named else (known,))
    for stream, head in ("channel", "ä"), ("stdout", ""), ("stderr", ""):
        said = [known.text(line[5]) for line in lines if line[0] == stream]
        assert len(said) > 1
        assert "".join(said) == head + "x" * before + MASK + "y" * LINE_BYTES
