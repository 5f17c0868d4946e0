"""Following one attempt's files: bytes become log lines and frames, numbered by their offsets.

The follower reads only when the reporter has room, so an API that is away costs disk and not memory. It can begin anew at any time: the
same bytes give the same lines with the same seq, and what the server's marks cover is passed over.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flowhand.execution.launcher import Channel, Launcher, Sizes
from flowhand.redaction import Redactor
from flowhand.wire import records
from flowhand.wire.runner import LogLine

LINE_BYTES: Final = 64 * 1024
"""A longer line goes in parts."""
READ_BYTES: Final = 256 * 1024
MOST_GROWTHS: Final = 4096
STDOUT_LEVEL: Final = 20
STDERR_LEVEL: Final = 30


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame of the channel: the offset behind its last record, the sender, and what it says."""

    seq: int
    pid: int
    body: dict[str, Any]


@dataclass(slots=True)
class Taken:
    """What one reading gave."""

    lines: list[LogLine] = field(default_factory=list[LogLine])
    frames: list[Frame] = field(default_factory=list[Frame])
    bytes: int = 0


class _Text:
    """One of stdout and stderr: splits into lines, stamps each with the time its bytes were first heard of."""

    def __init__(self, channel: Channel, level: int) -> None:
        self.channel = channel
        self.level = level
        self.offset = 0
        """The next byte to read."""
        self.size = 0
        self._rest = b""
        self._growths: deque[tuple[int, int]] = deque()

    def grown(self, size: int, now_us: int) -> None:
        if size > self.size:
            self.size = size
            if len(self._growths) >= MOST_GROWTHS:
                self._growths.pop()
            self._growths.append((size, now_us))

    def feed(self, data: bytes, skip: int, ended: bool, into: Taken, secrets: Sequence[Redactor] = ()) -> None:
        spare = max((known.longest for known in secrets), default=0)
        self.offset += len(data)
        buffer = self._rest + data
        start = self.offset - len(buffer)
        at = 0
        while True:
            newline = buffer.find(b"\n", at)
            stop = newline + 1 if newline >= 0 else len(buffer)
            if newline < 0 and not (ended and self.offset >= self.size) and len(buffer) - at < LINE_BYTES + spare:
                break
            if stop == at:
                break
            if stop - at > LINE_BYTES:
                stop = at + cut_between(buffer[at : at + LINE_BYTES + spare], secrets)
            self._line(buffer[at:stop], start + stop, skip, into)
            at = stop
        self._rest = buffer[at:]

    def _line(self, raw: bytes, seq: int, skip: int, into: Taken) -> None:
        text = raw.rstrip(b"\r\n").decode("utf-8", "replace").replace("\x00", "\ufffd")
        if text and seq > skip:
            into.lines.append((self.channel.value, seq, self._stamp(seq), self.level, self.channel.value, text, None))

    def _stamp(self, seq: int) -> int:
        while len(self._growths) > 1 and self._growths[0][0] < seq:
            self._growths.popleft()
        at = min(bisect_left(self._growths, (seq, 0)), len(self._growths) - 1)
        return self._growths[at][1] if self._growths else 0


class Follower:
    """One attempt's files. `grown` is the doorbell; `take` reads on."""

    def __init__(self, key: str, launcher: Launcher, marks: dict[str, int] | None = None) -> None:
        self.key = key
        self._launcher = launcher
        self._marks = marks or {}
        self._out = _Text(Channel.STDOUT, STDOUT_LEVEL)
        self._err = _Text(Channel.STDERR, STDERR_LEVEL)
        self._channel_offset = 0
        self._channel_size = 0
        self._tail = b""
        self._parts: dict[int, list[bytes]] = {}
        self.ended = False
        """Set once no more bytes will come."""
        self.secrets = Redactor()
        """What the process has named as secret so far."""
        self.last_lines: deque[str] = deque(maxlen=50)

    def grown(self, sizes: Sizes, now_us: int) -> None:
        """The files are so long now."""
        self._channel_size = max(self._channel_size, sizes.channel)
        self._out.grown(sizes.stdout, now_us)
        self._err.grown(sizes.stderr, now_us)

    def ends_at(self, channel: int) -> None:
        """The channel is no longer than that, since somebody has read it to its end."""
        self._channel_size = min(self._channel_size, channel)

    @property
    def channel_size(self) -> int:
        return self._channel_size

    @property
    def pending(self) -> int:
        """Bytes known of and not yet read."""
        texts = sum(text.size - text.offset for text in (self._out, self._err))
        return texts + self._channel_size - self._channel_offset

    async def take(self, budget: int, *own: Redactor) -> Taken:
        """Reads about `budget` bytes: the channel first, then what was written. No line is cut within a secret that the process has named
        or that `own` knows."""
        taken = Taken()
        secrets = (*own, self.secrets)
        await self._take_channel(taken, budget, secrets)
        for text in (self._out, self._err):
            while text.offset < text.size and taken.bytes < budget:
                want = min(text.size - text.offset, READ_BYTES, budget - taken.bytes)
                data = await self._launcher.read(self.key, text.channel, text.offset, want)
                if not data:
                    text.size = text.offset
                    break
                taken.bytes += len(data)
                text.feed(data, self._marks.get(text.channel.value, 0), self.ended, taken, secrets)
            if self.ended and text.offset >= text.size:
                text.feed(b"", self._marks.get(text.channel.value, 0), True, taken, secrets)
        self.last_lines.extend(line[5] for line in taken.lines)
        return taken

    async def _take_channel(self, taken: Taken, budget: int, secrets: Sequence[Redactor]) -> None:
        while self._channel_offset < self._channel_size and taken.bytes < budget:
            want = min(self._channel_size - self._channel_offset, READ_BYTES)
            data = await self._launcher.read(self.key, Channel.CHANNEL, self._channel_offset, want)
            if not data:
                self._channel_size = self._channel_offset
                return
            taken.bytes += len(data)
            base = self._channel_offset - len(self._tail)
            self._channel_offset += len(data)
            buffer = self._tail + data
            end = base
            for record in records.decode(buffer, base, records.MAX_BODY):
                end = record.end
                self._frame(record, taken, secrets)
            self._tail = buffer[end - base :]

    def _frame(self, record: records.Record, taken: Taken, secrets: Sequence[Redactor]) -> None:
        if record.flags & records.MORE:
            self._parts.setdefault(record.pid, []).append(record.body)
            return
        whole = b"".join((*self._parts.pop(record.pid, ()), record.body))
        try:
            body = json.loads(whole)
        except ValueError:
            return  # a sender that died between two parts left half a frame; the next one begins anew
        if body.get("k") == "log":
            self._log(record.end, body, taken, secrets)
        else:
            if body.get("k") == "secret":
                self.secrets.add([str(body.get("v", ""))])
            taken.frames.append(Frame(record.end, record.pid, body))

    def _log(self, seq: int, body: dict[str, Any], taken: Taken, secrets: Sequence[Redactor]) -> None:
        if seq <= self._marks.get("channel", 0):
            return
        text = str(body.get("m", "")).replace("\x00", "\ufffd")
        level, stamp = int(body.get("l", 20)), int(body.get("t", 0))
        name, task = str(body.get("n", "flowhand")), body.get("task")
        pieces = _pieces(text, secrets) if len(text) > LINE_BYTES else [text]
        for number, piece in enumerate(pieces, 1 - len(pieces)):  # a record is longer than its pieces are many
            taken.lines.append(("channel", seq + number, stamp, level, name, piece, task))


def cut_between(data: bytes, secrets: Sequence[Redactor]) -> int:
    """Where to cut a line that goes on for too long: at LINE_BYTES, or before a secret that stands there."""
    cut = LINE_BYTES
    for known in secrets:
        cut = known.cut(data, cut)
    return cut


def _pieces(text: str, secrets: Sequence[Redactor]) -> list[str]:
    rest, pieces = text.encode("utf-8", "surrogatepass"), list[str]()
    spare = max((known.longest for known in secrets), default=0)
    while len(rest) > LINE_BYTES:
        cut = cut_between(rest[: LINE_BYTES + spare], secrets)
        while cut < len(rest) and rest[cut] & 0xC0 == 0x80:  # within a character
            cut -= 1
        pieces.append(rest[:cut].decode("utf-8", "surrogatepass"))
        rest = rest[cut:]
    return [*pieces, rest.decode("utf-8", "surrogatepass")]
