"""Secrets that line breaks have cut are masked; what only looks like a piece of one stays."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowhand.adhoc.masking import Masking as AdhocMasking
from flowhand.adhoc.outbox import Line
from flowhand.broken_secrets import ALONE
from flowhand.daemon.masking import Masking
from flowhand.daemon.run import Run
from flowhand.redaction import MASK, Redactor
from flowhand.sdk.secrets import KNOWN
from flowhand.wire.runner import LogLine, Stream

DSN = "postgresql://flow:pw123456@db.example.com:5432/production"
HOOK = "https://hooks.slack.com/services/T0/B0/xyzxyzxyz"
WRITTEN: list[Callable[[str], str]] = [
    str,
    lambda secret: quote(secret, safe=""),
    lambda secret: base64.b64encode(b"u:" + secret.encode()).decode(),
]
ORDINARY = [
    "production",
    "user: production",
    "connecting with driver postgresql",
    "connecting to postgresql://flow",
    "db.example.com:5432",
    "db.example.com:5432/production",
    "flow",
    "5432",
    "posting to https://hooks.slack.com/services",
    "hooks.slack.com/services/T0",
]


def wrapped(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


def assert_nothing_out(told: str, out: str, piece: int) -> None:
    """No piece of so many characters: but at the ends, which of base64 are of what stands around the secret, too."""
    inner = told[4:-4]
    assert not [at for at in range(len(inner) - piece + 1) if inner[at : at + piece] in out], out


@pytest.mark.parametrize("width", [3, 9, 30, 64, 76])
@pytest.mark.parametrize("written", WRITTEN)
def test_what_line_breaks_cut_is_masked_with_its_neighbours(width: int, written: Callable[[str], str]) -> None:
    """By a program that wraps its lines, however narrow: in one text, in texts that follow one another, and indented."""
    secret = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz+/=&ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=200))
    told = written(secret)
    lines = wrapped(told, width)
    redactor = Redactor([secret])
    indented = [f"  '{line}'" for line in lines]
    outs = [redactor.lines(["\n".join(lines)]), redactor.lines(lines), redactor.lines(indented), [redactor.deep("\n".join(lines))]]
    for out in outs:
        assert_nothing_out(told, "\n".join(out), 4)


@pytest.mark.parametrize("width", [ALONE, 30, 64, 76])
@pytest.mark.parametrize("written", WRITTEN)
def test_a_long_piece_is_masked_without_its_neighbours(width: int, written: Callable[[str], str]) -> None:
    """Each line by itself, and in a secret that is not printed from its beginning to its end."""
    secret = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=400))
    lines = wrapped(written(secret), width)[1:-1]
    redactor = Redactor([secret])
    for out in ([redactor.lines([line])[0] for line in lines], redactor.lines(lines)):
        assert out.count(MASK) >= 0.95 * len(lines), out  # in base64 both breaks of a line may be beside `+` or `/`


def test_long_ends_of_a_secret_are_masked_without_their_neighbours() -> None:
    """Its beginning at the end of a line, its end at the beginning of one; blanks and quotes around them stay."""
    secret = "".join(random.Random(3).choices(string.ascii_letters, k=40))
    redactor = Redactor([secret])
    assert redactor.lines([f"key: '{secret[:20]}' \r"]) == [f"key: '{MASK}' \r"]
    assert redactor.lines([f"  {secret[20:]} and more"]) == [f"  {MASK} and more"]
    assert redactor.lines([f"key: {secret[: ALONE - 1]}"]) == [f"key: {secret[: ALONE - 1]}"]


@pytest.mark.parametrize("line", ORDINARY)
def test_what_also_stands_in_a_secret_stays(line: str) -> None:
    """Words, hosts and paths that no line break cut: as a log line, beside other lines, as data, and as a key."""
    redactor = Redactor([DSN, HOOK])
    assert redactor.lines([line]) == [line]
    assert redactor.lines(["begins", line, line, "ends"]) == ["begins", line, line, "ends"]
    assert redactor.deep({line: [line]}) == {line: [line]}
    assert redactor.deep(f"{line}\n{line}") == f"{line}\n{line}"


@given(st.integers(0, len(DSN) - 1), st.integers(1, len(DSN) - 1), st.text(st.characters(exclude_characters="\n"), max_size=5))
def test_data_without_a_line_break_is_never_changed_for_a_piece(start: int, length: int, around: str) -> None:
    """Whatever part of a secret it is, and whatever stands around it: all that `text` leaves stays."""
    redactor = Redactor([DSN])
    told = around + DSN[start : start + length] + around
    assert redactor.deep({told: told}) == {redactor.text(told): redactor.text(told)}


def test_the_ends_of_data_are_no_line_breaks() -> None:
    """Only the breaks within it cut something off."""
    secret = "".join(random.Random(3).choices(string.ascii_letters, k=60))
    redactor = Redactor([secret])
    assert redactor.deep(f"{secret[20:40]} is a digest\nand so is {secret[20:40]}") == (
        f"{secret[20:40]} is a digest\nand so is {secret[20:40]}"
    )
    assert redactor.deep(f"begins {secret[:20]}\n--- more ---") == f"begins {MASK}\n--- more ---"


def test_what_stands_beside_a_piece_stays() -> None:
    """Before the break, after it, and on other lines."""
    said = Redactor(["one-two-three-four-five"]).lines(
        ["begins one-two-three\n-four-five and ends\nis something else", "begins one-two", "-"]
    )
    assert said == [f"begins {MASK}\n{MASK} and ends\nis something else", "begins one-two", "-"]


def test_a_secret_is_found_across_blanks_at_the_break() -> None:
    """`fold -s` breaks at them, and `\\r` stands before some breaks."""
    assert Redactor(["a pass phrase"]).lines(["say a pass ", "phrase\r", "now"]) == [f"say {MASK} ", f"{MASK}\r", "now"]


def test_a_break_before_the_quote_that_ends_a_secret_hides_nothing() -> None:
    """What is passed over beside pieces may be of the secret itself."""
    assert Redactor(["'pass\\word'"]).lines(["say 'pass\\word", "' now"]) == [f"say '{MASK}", "' now"]


def test_lines_without_a_secret_stay_as_they_are() -> None:
    """Also where they hold what a secret holds, but not its other part across the break."""
    redactor = Redactor(["one-two-three-four-five"])
    lines = ["", "  ", "a one-two-three b", "ends with one-two", "ur-five begins", "one-two-three-f", "", "\n\n  x \r\n", "four-five"]
    assert redactor.lines(lines) == lines


@given(st.lists(st.text(max_size=12), max_size=8), st.text(max_size=12))
def test_texts_stay_the_same_number(texts: list[str], before: str) -> None:
    """With as many line breaks as before, for each keeps its own number and stamp."""
    out = Redactor(["abcdefgh", "0" * 8]).lines(texts, before)
    assert [text.count("\n") for text in out] == [text.count("\n") for text in texts]


def line_of(stream: Stream, seq: int, text: str) -> LogLine:
    return (stream, seq, seq, 20, "print", text, None)


def test_the_second_half_is_masked_also_in_the_next_report() -> None:
    """A worker knows the last line of each stream, and reads no stream into another."""
    run = cast("Run", SimpleNamespace(secrets=Redactor(["hunter2-of-the-hook"]), last_told={}))
    masking = Masking(Redactor(["own-credential"]))
    told: list[Any] = [
        masking.lines(run, [line_of("stdout", 1, "webhook hunter2-"), line_of("stderr", 1, "of-the-hook")]),
        masking.lines(run, [line_of("stdout", 2, "of-the-hook called"), line_of("stderr", 2, "own-cred"), line_of("stderr", 3, "ential")]),
    ]
    assert [[line[5] for line in lines] for lines in told] == [["webhook hunter2-", "of-the-hook"], [f"{MASK} called", MASK, MASK]]


def test_a_called_flow_masks_the_second_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines come one by one."""
    masking = AdhocMasking()
    KNOWN.add("hunter2-of-the-hook")
    try:
        told = [masking.of(Line(0, 20, "flow", text)) for text in ("webhook hunter2-", "of-the-hook called", "of-the-hook called")]
    finally:
        KNOWN.discard("hunter2-of-the-hook")
    assert [item.message for item in told if isinstance(item, Line)] == ["webhook hunter2-", f"{MASK} called", "of-the-hook called"]
