"""The program's own log: one form for people, one for machines, no secret in either."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Generator

import pytest
import structlog

from flowhand.telemetry import configure, logger


@pytest.fixture(autouse=True)
def as_before() -> Generator[None, None, None]:
    """Leaves logging as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_json_object_a_line() -> None:
    """Time in UTC, level, component, the event and its fields; a traceback is one field."""
    log, out = logger("poller"), io.StringIO()
    configure("INFO", "auto", stream=out)
    log.info("claimed", runs=2)
    log.debug("unheard")
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("failed")
    claimed, failed = lines(out)
    assert (claimed["component"], claimed["event"], claimed["runs"], claimed["level"]) == ("poller", "claimed", 2, "info")
    assert str(claimed["timestamp"]).endswith("Z")
    assert "ValueError: why" in str(failed["exception"])


def test_lines_for_people() -> None:
    """On demand, or on a terminal, the same as text."""
    out = io.StringIO()
    configure("INFO", "console", stream=out)
    logger("x").warning("slow", seconds=3)
    assert "slow" in out.getvalue()
    assert "seconds=3" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_the_level_holds() -> None:
    """What is below it is not written, ours and that of other libraries."""
    out = io.StringIO()
    configure("ERROR", "json", stream=out)
    logger("x").warning("no")
    logging.getLogger("somebody").warning("no")
    logging.getLogger("somebody").error("yes")
    assert [line["event"] for line in lines(out)] == ["yes"]


def test_chatty_libraries_join_at_warning() -> None:
    """An HTTP library's every request is no news."""
    out = io.StringIO()
    configure("INFO", "json", stream=out)
    logging.getLogger("httpx").info("HTTP Request")
    logging.getLogger("httpx").warning("trouble")
    assert [line["event"] for line in lines(out)] == ["trouble"]


def test_secrets_are_taken_out_everywhere() -> None:
    """In events, in fields however deep, in tracebacks, in lines of other libraries."""
    out = io.StringIO()
    configure("INFO", "json", stream=out, redact=lambda text: text.replace("hunter2", "***"))
    log = logger("x")
    log.info("pw hunter2", nested={"list": ["hunter2"]})
    try:
        raise ValueError("hunter2")
    except ValueError:
        log.exception("failed")
    logging.getLogger("somebody").error("hunter2 %s", "hunter2")
    assert "hunter2" not in out.getvalue()
    assert out.getvalue().count("***") >= 5


def test_structlog_comes_without_rich() -> None:
    """The daemon does not carry a renderer of tracebacks that it never uses."""
    code = "import sys, flowhand.telemetry; print('rich' in sys.modules); import rich; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_httpx_comes_without_its_command_line() -> None:
    """A program that sends requests does not carry click, rich and pygments."""
    code = (
        "import sys, flowhand.client.transport; print(sorted({'click', 'rich', 'pygments'} & {n.partition('.')[0] for n in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    """On a full disk what is said is lost, and the program goes on."""
    program = """
import logging
from flowhand.telemetry import configure, logger
configure("INFO", "json")
for _ in range(1000):
    logger("x").info("words " * 10)
    logging.getLogger("y").warning("words " * 10)
print("alive")
"""
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        ended = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, check=False)
    assert ended.stdout == b"alive\n"
