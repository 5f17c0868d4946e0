"""`emit_event` from programs of their own, and `Automation` both ways, on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowhand.automations import Automation, DoNothing, EventTrigger
from flowhand.errors import ObjectNotFound
from flowhand.events import Event, emit_event, flush_events
from support.rest import Rest
from support.scripted_api import Asked, Say, scripted_api
from support.server import RunningServer

HERE = {"prefect.resource.id": "shop.till.1", "prefect.resource.name": "till"}


@pytest.fixture
def rest(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Rest:
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    return Rest(server.url)


def stored(rest: Rest, name: str) -> list[dict[str, Any]]:
    return rest.made("/events/filter", filter={"event": {"name": [name]}, "order": "ASC"})["events"]


def program(text: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = folder / "program.py"
    path.write_text(text)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.run([sys.executable, str(path)], env={**kept, **environ}, capture_output=True, text=True, timeout=60, check=False)


def test_an_event_is_what_was_said(rest: Rest) -> None:
    """All that is given arrives as it is; what is not given is filled in."""
    first = emit_event("till.opened", HERE)
    second = emit_event(
        "till.closed",
        HERE,
        related=[{"prefect.resource.id": "shop.1", "prefect.resource.role": "shop"}],
        payload={"sum": 12.5, "who": {"a", "b"}},
        follows=first,
    )
    assert isinstance(second, Event)
    assert flush_events()
    (found,) = stored(rest, "till.closed")
    assert (found["id"], found["follows"], found["resource"]) == (second.id, first.id, HERE)
    assert found["related"][0]["prefect.resource.role"] == "shop"
    assert (found["payload"]["sum"], sorted(found["payload"]["who"])) == (12.5, ["a", "b"])


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"event": "", "resource": HERE}, "an event needs a name"),
        ({"event": "x", "resource": {"a": "b"}}, "event 'x': resource: a resource needs the label prefect.resource.id"),
        ({"event": "x", "resource": HERE, "related": [{"prefect.resource.id": "y"}]}, "needs the label prefect.resource.role"),
        ({"event": "x", "resource": HERE, "payload": {"f": open}}, "its payload is nothing that JSON can say"),
        ({"event": "x", "resource": HERE, "payload": {"f": "x" * 2_000_000}}, "there may be 1500000"),
        ({"event": "x", "resource": HERE, "id": "7"}, "'7' is not a UUID"),
    ],
)
def test_an_event_that_the_api_would_not_take_is_told_to_its_author(rest: Rest, bad: dict[str, Any], words: str) -> None:
    """At once, in one line, and nothing is sent."""
    with pytest.raises(ValueError, match=words):
        emit_event(**bad)


def test_a_thousand_events_are_there_when_the_program_has_ended(rest: Rest, tmp_path: Path) -> None:
    """From plain and async code, from threads, and without waiting for anything."""
    done = program(
        "import asyncio, threading\n"
        "from flowhand.events import emit_event\n"
        "def some(n):\n"
        "    for i in range(250): emit_event('many', {'prefect.resource.id': f'{n}.{i}'})\n"
        "async def main(): some('loop')\n"
        "threads = [threading.Thread(target=some, args=(n,)) for n in range(2)]\n"
        "[t.start() for t in threads]\n"
        "asyncio.run(main()); some('plain'); [t.join() for t in threads]\n",
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    counted = rest.made("/events/count-by/event", filter={"event": {"name": ["many"]}})
    assert [one["count"] for one in counted] == [1000]


def test_events_that_nobody_takes_are_told(tmp_path: Path) -> None:
    """The program ends all the same, with a line that says how many were lost and why."""
    text = (
        "import flowhand.events.delivery as d\nd.LEAVE_S = 0.5\n"
        "from flowhand.events import emit_event\nemit_event('x', {'prefect.resource.id': 'y'})\n"
    )
    done = program(text, tmp_path, FLOWHAND_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 0
    assert "1 event(s) were not delivered:" in done.stderr
    assert "127.0.0.1:9" in done.stderr


def test_events_outlive_an_api_that_goes_away_while_one_is_refused(tmp_path: Path) -> None:
    """A batch is refused for one of its events; sent one by one, the API is away for a while: what was not taken is sent again."""
    taken: list[str] = []
    alone = 0

    def script(asked: Asked) -> Say:
        nonlocal alone
        if len(asked.body) > 1 and not alone:
            return Say(422, {"detail": "one of them is bad"})
        alone += 1
        if alone == 3:
            return Say(503)
        taken.extend(one["event"] for one in asked.body)
        return Say(204, b"")

    with scripted_api(script) as api:
        text = "from flowhand.events import emit_event\n[emit_event(f'e{n:02}', {'prefect.resource.id': 'y'}) for n in range(20)]\n"
        done = program(text, tmp_path, FLOWHAND_API_URL=api.url)
    assert done.returncode == 0
    assert sorted(taken) == [f"e{n:02}" for n in range(20)]


def test_a_forked_process_delivers_its_own(rest: Rest, tmp_path: Path) -> None:
    """And does not deliver its parent's a second time."""
    done = program(
        "import multiprocessing\nfrom flowhand.events import emit_event, flush_events\n"
        "emit_event('forked', {'prefect.resource.id': 'parent'})\n"
        "def child():\n    emit_event('forked', {'prefect.resource.id': 'child'})\n    assert flush_events()\n"
        "p = multiprocessing.get_context('fork').Process(target=child); p.start(); p.join(); assert p.exitcode == 0\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(event["resource"]["prefect.resource.id"] for event in stored(rest, "forked")) == ["child", "parent"]


IN_OUR_THREAD = (
    "import os, sys, threading\n"
    "def ours(): return threading.current_thread().name == 'flowhand-events'\n"
    "from flowhand.events import emit_event, flush_events\n"
)


def test_nothing_is_loaded_while_a_fork_may_come(rest: Rest, tmp_path: Path) -> None:
    """A process that is forked inherits half of what the thread loads just then, for good: `unknown encoding: idna`."""
    done = program(
        IN_OUR_THREAD + "class Seen:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if ours(): print(name)\n"
        "sys.meta_path.insert(0, Seen())\n"
        "emit_event('loaded', {'prefect.resource.id': 'x'}); assert flush_events()\n",
        tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_fork_waits_until_the_client_is_made(rest: Rest, tmp_path: Path) -> None:
    """The locks of OpenSSL would be held for ever in the new process."""
    done = program(
        IN_OUR_THREAD + "begun, go_on, made = threading.Event(), threading.Event(), threading.Event()\n"
        "def watch(frame, what, arg):\n"
        "    if frame.f_code.co_name == 'sync_client' and ours():\n"
        "        if what == 'call': begun.set(); go_on.wait()\n"
        "        if what == 'return': made.set()\n"
        "threading.setprofile(watch)\n"
        "emit_event('opened', {'prefect.resource.id': 'x'}); begun.wait()\n"
        "threading.Timer(0.2, go_on.set).start()\n"
        "pid = os.fork()\n"
        "if not pid: os._exit(0)\n"
        "assert made.is_set(); os.waitpid(pid, 0); assert flush_events()\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_an_event_of_a_run_names_the_run(rest: Rest, tmp_path: Path) -> None:
    """Its flow and its tags as well, and within a task the task run."""
    done = program(
        "from flowhand import flow, task\nfrom flowhand.events import emit_event\n"
        "@task\ndef inner(): emit_event('told', {'prefect.resource.id': 'task'})\n"
        "@flow\ndef outer():\n    emit_event('told', {'prefect.resource.id': 'flow'})\n    inner()\n"
        "outer()\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    by_flow, by_task = sorted(stored(rest, "told"), key=lambda event: event["resource"]["prefect.resource.id"])
    roles = {one["prefect.resource.role"]: one for one in by_flow["related"]}
    run = rest.read("/flow_runs/" + roles["flow-run"]["prefect.resource.id"].removeprefix("prefect.flow-run."))
    assert (roles["flow"]["prefect.resource.name"], roles["flow-run"]["prefect.resource.name"]) == ("outer", run["name"])
    assert {"flow-run", "flow", "task-run"} <= {one["prefect.resource.role"] for one in by_task["related"]}


def test_an_automation_is_made_changed_and_removed_by_plain_code(rest: Rest) -> None:
    """By id or by name; disabled ones stay."""
    made = Automation(name="by-hand", trigger={"expect": ["a"]}, actions=[DoNothing()]).create()
    assert made.id
    found = Automation.read(name="by-hand")
    assert (found.id, found.trigger.expect, found.enabled) == (made.id, ["a"], True)
    found.trigger = EventTrigger(expect=["b"], threshold=2)
    found.update()
    found.disable()
    again = Automation.read(id=made.id)
    assert (again.trigger.expect, again.trigger.threshold, again.enabled) == (["b"], 2, False)
    again.enable()
    assert rest.read(f"/automations/{made.id}")["enabled"]
    assert (again.delete(), again.delete()) == (True, False)
    with pytest.raises(ObjectNotFound, match="automation 'by-hand' not found"):
        Automation.read(name="by-hand")


@pytest.mark.anyio
async def test_an_automation_is_made_by_async_code(rest: Rest) -> None:
    """The same methods, awaited."""
    made = await Automation(name="awaited", trigger=EventTrigger(expect=["a"]), actions=[DoNothing()]).create()  # pyright: ignore[reportGeneralTypeIssues]  # typed as plain code sees it
    assert (await Automation.read(name="awaited")).id == made.id  # pyright: ignore[reportGeneralTypeIssues]  # the same
    assert await made.delete()  # pyright: ignore[reportGeneralTypeIssues]  # the same
