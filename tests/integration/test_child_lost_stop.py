"""A stop that arrives where the interpreter ignores exceptions."""

from __future__ import annotations

from pathlib import Path

from support.children import Nursery
from support.worker import wait_for

FLOW = """
class Slow:
    def __del__(self):
        print("in the finalizer", flush=True)
        time.sleep(0.5)

@flow
def main():
    Slow()
    try:
        time.sleep(60)
    finally:
        print("tidied", flush=True)
"""


def test_a_stop_in_a_finalizer_is_not_lost(tmp_path: Path) -> None:
    """The exception that it raises there is ignored by the interpreter; it is raised again behind it, and nothing is said of it."""
    nursery = Nursery(tmp_path)
    try:
        nursery.write(FLOW)
        with nursery.started() as run:
            wait_for(lambda: "in the finalizer" in run.stdout, 20)
            run.stop("cancel")
    finally:
        nursery.close()
    assert run.end["type"] == "CANCELLED", run.end
    assert "tidied" in run.stdout
    assert "ignored" not in run.stderr
