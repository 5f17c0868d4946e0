"""A time-out that is over in the instant before the main thread goes to sleep, after Python looked for signals: it counts soon after."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.about_to_sleep import AboutToSleep
from support.scripts import script

WITHIN_S = 20.0
CODE = """
    import threading
    def once_over():
        while not os.path.exists("about"): time.sleep(0.005)
        time.sleep(0.4)
        open("go", "w").close()
    threading.Thread(target=once_over, daemon=True).start()

    @flow(timeout_seconds={inner})
    def inner(): time.sleep(60)
    @flow(timeout_seconds={outer})
    def outer():
        try: inner()
        finally: print("left", flush=True)
    try: outer()
    except Exception as error: print(error)
"""


@pytest.mark.parametrize(("inner", "outer", "over"), [(0.3, 30, 0.3), (30, 0.3, 0.3)], ids=["its own", "of the flow around"])
def test_a_time_out_in_the_instant_before_a_sleep_counts(tmp_path: Path, inner: float, outer: float, over: float) -> None:
    """Not only when the sleep is over."""
    sleeper = AboutToSleep(tmp_path)
    with script(tmp_path, CODE.format(inner=inner, outer=outer), **sleeper.environ) as process:
        out, err = process.communicate(timeout=WITHIN_S)
    assert out.splitlines() == ["left", f"exceeded timeout of {over} second(s)"], err
