"""`flowhand automation`, `event`, `artifact`, `concurrency-limit` and `global-concurrency-limit` against a real server."""

from __future__ import annotations

import json
import select
import subprocess
from pathlib import Path

import pytest

from flowhand.ids import new_id
from support.cli import COMMAND, Do
from support.rest import Rest
from support.server import RunningServer


@pytest.fixture
def rest(server: RunningServer) -> Rest:
    return Rest(server.url)


FILE = """\
automations:
  - name: nightly
    description: Tell when the night is over.
    trigger: {expect: [night.over], threshold: 2, within: 60}
    actions:
      - type: do-nothing
  - name: silence
    trigger: {posture: Proactive, expect: [beat], within: 300}
    actions: [{type: do-nothing}]
"""


def test_the_life_of_an_automation(do: Do, tmp_path: Path) -> None:
    """Created from a file, listed, shown, switched off and on, deleted; by name and by id."""
    file = tmp_path / "automations.yaml"
    file.write_text(FILE)
    assert "Created automation 'silence'" in do("automation", "create", "--from-file", str(file)).out
    listed = do("automation", "ls").out
    assert "2 × night.over within 1 min" in listed
    assert "no beat within 5 min" in listed
    made = do("automation", "inspect", "nightly", "-o", "json").json
    assert (made["trigger"]["threshold"], made["enabled"]) == (2, True)
    assert "is off" in do("automation", "disable", "nightly").out
    assert not do("automation", "inspect", made["id"], "-o", "json").json["enabled"]
    assert "is on" in do("automation", "resume", "nightly").out
    do("automation", "pause", "nightly")
    do("automation", "enable", made["id"])
    do("automation", "delete", "nightly", "--yes")
    missing = do("automation", "inspect", "silense", code=4)
    assert missing.err == "error: automation 'silense' not found, did you mean 'silence'?\n"
    assert [one["name"] for one in do("automation", "ls", "-o", "json").json] == ["silence"]
    do("automation", "delete", "silence", "--yes")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\ntriger: {expect: [x]}\nactions: []\n", "bad.yaml:2: an automation has no field 'triger', did you mean 'trigger'?"),
        (
            "- name: a\n  trigger: {expct: [x]}\n  actions: []\n",
            "bad.yaml:1: trigger: EventTrigger has no field 'expct', did you mean 'expect'?",
        ),
        ("- name: a\n  trigger: {}\n  actions: []\n", "it would fire on every event there is"),
        ("- name: a\n  trigger: 3\n  actions: []\n", "bad.yaml:2: int is no trigger"),
        (
            "name: a\ntrigger: {expect: [x]}\nactions: [{type: run-deployment}]\n",
            "deployment_id is given exactly when the source is 'selected'",
        ),
        ("[]\n", "bad.yaml:1: there is no automation here"),
        ("a:\n\t- b\n", "bad.yaml:2"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(do: Do, tmp_path: Path, text: str, words: str) -> None:
    """One line, and nothing is created."""
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    said = do("automation", "create", "--from-file", str(file), code=2).err
    assert words in said
    assert said.count("\n") == 1


def test_events_are_emitted_and_seen(do: Do, env: dict[str, str], rest: Rest) -> None:
    """A stream that is open sees what fits and leaves out the rest."""
    words = [COMMAND, "event", "stream", "-e", "shop.*", "--run-once", "-o", "json", "--backfill"]
    do("event", "emit", "other.thing", "--resource-id", "x")
    made = do("event", "emit", "shop.opened", "--resource-id", "shop.1", "--payload", '{"n": 1}', "-o", "json").json
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    seen = json.loads(done.stdout)
    assert (seen["id"], seen["event"], seen["payload"]) == (made["id"], "shop.opened", {"n": 1})
    assert rest.made("/events/filter", filter={"id": {"id": [made["id"]]}})["events"][0]["resource"] == {"prefect.resource.id": "shop.1"}


def test_an_event_streams_as_it_happens(do: Do, env: dict[str, str], rest: Rest) -> None:
    """Without what was before; a line says when, what and to what."""
    with subprocess.Popen([COMMAND, "event", "stream", "-e", "now.*", "-e", "tick"], env=env, stdout=subprocess.PIPE, text=True) as stream:
        assert stream.stdout is not None
        try:
            for _ in range(600):  # there is no bell for "it listens": the clock ticks until it is seen
                event = {"id": new_id(), "occurred": "2026-01-01T00:00:00Z", "event": "tick", "resource": {"prefect.resource.id": "clock"}}
                rest.post("/events", [event])
                if select.select([stream.stdout], [], [], 0.1)[0]:
                    break
            assert stream.stdout.readline().split() == ["2026-01-01T00:00:00.000000Z", "tick", "clock"]
            do("event", "emit", "now.then", "--resource", '{"prefect.resource.id": "a", "prefect.resource.name": "b"}')
            line = next(line for line in stream.stdout if "tick" not in line)
            assert line.split()[1:] == ["now.then", "a", "(b)"]
        finally:
            stream.terminate()


def test_a_wrong_event_is_told(do: Do) -> None:
    """In one line."""
    assert "say what it happened to: --resource-id ID" in do("event", "emit", "x", code=2).err
    assert "--payload is no JSON" in do("event", "emit", "x", "--resource-id", "y", "--payload", "{", code=2).err
    assert "--related is a list, not {}" in do("event", "emit", "x", "--resource-id", "y", "--related", "{}", code=2).err
    assert "needs the label prefect.resource.id" in do("event", "emit", "x", "--resource", '{"a": "b"}', code=2).err


def test_artifacts(do: Do, rest: Rest) -> None:
    """Listed by key, shown by key or id, deleted with all versions."""
    for number in (1, 2):
        rest.made("/artifacts/", key="report", type="markdown", data=f"# {number}")
    other = rest.made("/artifacts/", key="other", type="markdown", data="x")
    assert {one["key"] for one in do("artifact", "ls", "-o", "json").json} == {"report", "other"}
    assert len(do("artifact", "ls", "--all", "-o", "json").json) == 3
    assert do("artifact", "inspect", "report", "-o", "json").json["data"] == "# 2"
    assert len(do("artifact", "inspect", "report", "-n", "5", "-o", "json").json) == 2
    assert "# 2" in do("artifact", "inspect", "report").out
    assert "Deleted 2 version(s)" in do("artifact", "delete", "report", "--yes").out
    assert do("artifact", "inspect", "report", code=4).err == "error: artifact 'report' not found; there are 'other'\n"
    do("artifact", "delete", other["id"], "--yes")


def test_limits_by_tag(do: Do) -> None:
    """Set, changed, listed, shown, freed, removed."""
    do("concurrency-limit", "create", "heavy", "3")
    do("concurrency-limit", "create", "heavy", "5")
    assert do("concurrency-limit", "inspect", "heavy", "-o", "json").json["concurrency_limit"] == 5
    assert "heavy" in do("concurrency-limit", "ls").out
    do("concurrency-limit", "reset", "heavy")
    assert "did you mean 'heavy'" in do("concurrency-limit", "inspect", "hevy", code=4).err
    do("concurrency-limit", "delete", "heavy", "--yes")
    assert do("concurrency-limit", "ls", "-o", "json").json == []


def test_limits_by_name(do: Do) -> None:
    """Created, changed, switched off and on, deleted."""
    do("global-concurrency-limit", "create", "db", "--limit", "4", "--slot-decay-per-second", "0.5")
    do("global-concurrency-limit", "update", "db", "--limit", "6")
    do("global-concurrency-limit", "disable", "db")
    found = do("global-concurrency-limit", "inspect", "db", "-o", "json").json
    assert (found["limit"], found["active"], found["slot_decay_per_second"]) == (6, False, 0.5)
    do("global-concurrency-limit", "enable", "db")
    assert " on " in do("global-concurrency-limit", "ls").out
    assert "say what to change" in do("global-concurrency-limit", "update", "db", code=2).err
    do("global-concurrency-limit", "delete", "db", "--yes")
    assert "not found" in do("global-concurrency-limit", "inspect", "db", code=4).err
