"""Secrets in what leaves."""

from __future__ import annotations

import base64
import itertools
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flowhand.redaction import MASK, RedactedStream, Redactor

SECRETS = st.text(st.characters(codec="utf-8"), min_size=4, max_size=40).filter(lambda text: len(text.strip()) >= 4)
WORDS = st.text(st.sampled_from("xyz \n"), max_size=20)


@pytest.mark.parametrize(
    "written",
    [
        str,
        lambda secret: quote(secret, safe=""),
        quote,
        quote_plus,
        lambda secret: json.dumps(secret),
        lambda secret: json.dumps(secret, ensure_ascii=False),
    ],
)
def test_a_secret_is_masked_in_every_form(written: object) -> None:
    """As it is, escaped for URLs, escaped as JSON; what is around it stays."""
    secret = 'p@ss/wörd "1+2"'
    text = f"before {written(secret)} after"  # type: ignore[operator]
    masked = Redactor([secret]).text(text)
    assert MASK in masked
    assert "wörd" not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@given(secret=st.binary(min_size=12, max_size=60).map(lambda data: data.hex()), before=st.text(max_size=7), after=st.text(max_size=7))
def test_a_secret_in_base64_is_masked_wherever_it_stands(secret: str, before: str, after: str) -> None:
    """At each of the three offsets, in both alphabets, as in an Authorization header."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(f"{before}{secret}{after}".encode("utf-8", "surrogatepass")).decode()
        assert MASK in Redactor([secret]).text(text)


def test_a_key_of_several_lines_is_masked_line_by_line() -> None:
    """As it looks once a log has cut it into lines."""
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"
    masked = Redactor([key]).text("line: MIIEvQIBADANBgkq\nline: hkiG9w0BAQEFAASC")
    assert masked == f"line: {MASK}\nline: {MASK}"


def test_keys_are_texts_too() -> None:
    """In what a run says as data."""
    told = {"s3cret-token": [{"x s3cret-token": 1, "kept": None}]}
    assert Redactor(["s3cret-token"]).deep(told) == {MASK: [{f"x {MASK}": 1, "kept": None}]}


def test_what_is_too_short_is_no_secret() -> None:
    """And no secrets at all change nothing."""
    assert Redactor(["a", "", " b "]).text("a b c") == "a b c"
    assert Redactor().data(b"abc") == b"abc"


@given(
    secrets=st.lists(SECRETS, max_size=3),
    parts=st.lists(st.one_of(WORDS, SECRETS), max_size=6),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
@example(secrets=["abcdef", "abcd"], parts=["abcdef"], cuts=[5])
def test_a_stream_lets_no_secret_out_however_it_is_cut(secrets: list[str], parts: list[str], cuts: list[int]) -> None:
    """The pieces together are the whole text, redacted: nothing is lost, nothing is let out in two halves."""
    data = "".join(part + secret for part, secret in zip(parts, secrets * 6, strict=False)).encode()
    redactor = Redactor(secrets)
    stream = RedactedStream(redactor)
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    out = b"".join(stream.feed(data[a:b]) for a, b in itertools.pairwise(places)) + stream.flush()
    assert out == redactor.data(data)


def test_a_stream_keeps_back_no_more_than_it_must() -> None:
    """The longest secret's length less one."""
    redactor = Redactor(["secret"])
    stream = RedactedStream(redactor)
    kept = redactor.longest - 1
    assert stream.feed(b"x" * 100) == b"x" * (100 - kept)
    assert stream.flush() == b"x" * kept
    assert RedactedStream(Redactor()).feed(b"at once") == b"at once"
