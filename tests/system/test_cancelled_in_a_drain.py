"""A cancel that comes while a drain is stopping the run already: the cancel wins."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from support.server import running_server
from support.worker import Api, running_worker, wait_for, write_flows

FLOWS = '''
import signal, time
from pathlib import Path

def hook(event):
    """A hook that leaves a trace, and ends when it may."""
    def called(flow, run, state):
        folder = Path(run.parameters["folder"])
        with open(folder / "called", "a") as file:
            file.write(f"{event} {state.type.value}\\n")
        while (folder / "hold").exists():
            time.sleep(0.01)
    return called

EVENTS = {event: [hook(event)] for event in ("on_completion", "on_failure", "on_crashed", "on_cancellation")}

@flow(**EVENTS)
def tidies(folder: str, deaf: bool = False):
    """Runs until it is ended, and then takes its time."""
    if deaf:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGALRM])
    Path(folder, "began").touch()
    try:
        time.sleep(60)
    finally:
        Path(folder, "tidies").touch()
        while not Path(folder, "tidied").exists():
            time.sleep(0.01)

@flow
async def waits(folder: str):
    """The same on a loop, and without hooks."""
    import asyncio
    Path(folder, "began").touch()
    try:
        await asyncio.sleep(60)
    finally:
        Path(folder, "tidies").touch()
        while not Path(folder, "tidied").exists():
            await asyncio.sleep(0.01)
'''
ENVIRON = {
    "FLOWHAND_WORKER_HEARTBEAT": "0.5",
    "FLOWHAND_WORKER_MARGIN": "1",
    "FLOWHAND_WORKER_GRACE": "5",
    "FLOWHAND_WORKER_DRAIN": "60",
}
POLICIES = ("crash", "retry")


class _Story:
    """One run, from its beginning to how it ended."""

    def __init__(self, api: Api, code: Path, folder: Path, name: str, policy: str, **parameters: object) -> None:
        folder.mkdir()
        self._api, self.folder = api, folder
        parameters["folder"] = str(folder)
        self.title = f"{name}/{folder.name}"
        deployment = api.deploy(f"flows.py:{name}", code)
        self.run = api.run(deployment, name=folder.name, parameters=parameters, job_variables={"crash_policy": policy})
        wait_for((folder / "began").exists, 30)

    def leaves(self, file: str) -> None:
        """Waits for a trace of it."""
        wait_for((self.folder / file).exists, 10)

    def ends(self) -> tuple[str, list[str]]:
        """The name of its last state, and the hooks that were called."""
        ended = self._api.ended(self.run)
        called = self.folder / "called"
        return ended["state_name"], called.read_text().splitlines() if called.exists() else []


def _cancelling(log: str) -> set[str]:
    """The runs that a worker says it cancels; it may be told so, and say so, more than once."""
    lines = [json.loads(line) for line in log.splitlines() if '"Cancelling"' in line]
    return {line["run"] for line in lines if line["event"] == "Cancelling"}


def test_a_cancel_wins_over_a_drain(tmp_path: Path) -> None:
    """Under either policy, while its `finally` runs, on a loop, or deaf to it all: Cancelled, on_cancellation called once, and nothing is
    handed back. One that calls the hooks of the drain's end already is Cancelled, too, and no other hook is called."""
    code = write_flows(tmp_path / "code", FLOWS)
    with running_server(tmp_path / "server") as server:
        api = Api(server)
        api.pool("pool")
        with running_worker(server, "--name", "w", home=tmp_path / "home", environ=ENVIRON) as worker:
            tidy = [_Story(api, code, tmp_path / f"tidy-{policy}", "tidies", policy) for policy in POLICIES]
            loop = [_Story(api, code, tmp_path / f"loop-{policy}", "waits", policy) for policy in POLICIES]
            deaf = [_Story(api, code, tmp_path / f"deaf-{policy}", "tidies", policy, deaf=True) for policy in POLICIES]
            late = _Story(api, code, tmp_path / "late", "tidies", "crash")
            (late.folder / "hold").touch()
            (late.folder / "tidied").touch()
            worker.process.send_signal(signal.SIGTERM)
            worker.says('"Draining"')
            worker.process.send_signal(signal.SIGTERM)
            for story in (*tidy, *loop):
                story.leaves("tidies")
            late.leaves("called")
            everybody = [*tidy, *loop, *deaf, late]
            for story in everybody:
                api.cancel(story.run)
            wait_for(lambda: _cancelling(worker.log) >= {story.title for story in everybody}, 10, lambda: worker.log)
            for story in (*tidy, *loop):
                (story.folder / "tidied").touch()
            (late.folder / "hold").unlink()
            assert [story.ends() for story in tidy] == [("Cancelled", ["on_cancellation CANCELLED"])] * 2
            assert [story.ends() for story in loop] == [("Cancelled", [])] * 2
            assert late.ends() == ("Cancelled", ["on_crashed CRASHED"])
            assert [story.ends() for story in deaf] == [("Cancelled", ["on_cancellation CANCELLED"])] * 2
