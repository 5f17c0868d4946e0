"""What a worker says of the home that it finds."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from support.server import running_server
from support.worker import Api, running_worker, wait_for


def test_a_home_with_a_past_is_told_of_in_words(tmp_path: Path) -> None:
    """A torn journal, a home of another machine, another daemon of the same name: each is a line that a person understands."""
    home = tmp_path / "home"
    with running_server(tmp_path / "server") as server:
        Api(server).pool("pool")
        with running_worker(server, "--name", "w", home=home) as first:
            first.end(signal.SIGKILL)
        (instance,) = home.glob("instances/*")
        with (instance / "journal").open("ab") as journal:
            journal.write(b"torn")
        stamp = json.loads((instance / "stamp.json").read_text())
        (instance / "stamp.json").write_text(json.dumps({**stamp, "machine_id": "somewhere-else"}))
        with running_worker(server, "--name", "w", home=home) as second:
            second.says("The end of the journal was not written whole")
            second.says("This home was last used on another machine")
            second.says("somewhere-else")
            wait_for(lambda: second.log.count('"Claiming"') == 2, 30)
            with running_worker(server, "--name", "w", home=home) as third:
                third.says("Other daemons of this name run in this home")
                assert third.process.poll() is second.process.poll() is None
