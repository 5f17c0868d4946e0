"""Tasks: calling, submitting, mapping; retries, caching, futures."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flowhand import allow_failure, flow, get_run_logger, quote, task, unmapped
from flowhand.errors import UnfinishedRun
from flowhand.futures import as_completed, wait
from flowhand.runtime import flow_run, task_run
from flowhand.sdk.task_calling import UpstreamFailed
from flowhand.states import Failed
from flowhand.tasks import task_input_hash


@task
def double(x: Any) -> Any:
    return x * 2


@task
async def triple(x: int) -> int:
    await asyncio.sleep(0)
    return x * 3


@task
def fail() -> None:
    raise ValueError("no")


def test_a_task_is_called_like_the_function_it_was() -> None:
    """Inside a flow and outside of one, plain and async; what it raises is raised."""

    @flow
    def main() -> int:
        return double(2) + asyncio.run(triple(2))

    @flow
    async def main_async() -> int:
        return await triple(double(1))

    assert main() == 10
    assert asyncio.run(main_async()) == 6
    assert double(4) == 8
    with pytest.raises(ValueError, match="no"):
        fail()
    assert fail(return_state=True).is_failed()  # pyright: ignore[reportCallIssue]


def test_submitted_tasks_run_side_by_side() -> None:
    """All are under way at once; a flow ends when they have ended."""
    meeting, ended = threading.Barrier(3, timeout=10), list[int]()

    @task
    def meet(number: int) -> int:
        meeting.wait()
        ended.append(number)
        return number

    @flow
    def main() -> None:
        for number in range(3):
            meet.submit(number)

    main()
    assert sorted(ended) == [0, 1, 2]


def test_futures_are_waited_for_where_they_are_arguments() -> None:
    """Also inside of collections; with `quote` they are handed over as they are; async tasks are submitted alike."""

    @flow
    def main() -> list[Any]:
        one = double.submit(1)
        return [
            double(one),
            double.submit([one, 3]).result(),
            double.submit({"a": one}["a"]).result(),
            triple.submit(one).result(),
            task(name="same")(lambda value: value[0] is one).submit(quote([one])).result(),
        ]

    assert main() == [4, [2, 3, 2, 3], 4, 6, True]


def test_a_task_whose_upstream_failed_is_not_run() -> None:
    """As an argument and in `wait_for`; `allow_failure` hands the error over instead."""
    ran: list[Any] = []

    @task
    def after(*values: Any) -> Any:
        ran.append(values)
        return values

    @flow
    def main() -> None:
        bad = fail.submit()
        assert after.submit(bad).final_state.name == "NotReady"
        with pytest.raises(UnfinishedRun):
            after.submit(1, wait_for=[bad]).result()
        with pytest.raises(UpstreamFailed, match="Failed"):
            after(bad)
        assert isinstance(after(allow_failure(bad))[0], ValueError)
        assert after(2, wait_for=[allow_failure(bad), double.submit(1)]) == (2,)  # pyright: ignore

    main()
    assert len(ran) == 2


def test_wait_for_orders_tasks() -> None:
    """Nothing runs before what it waits for has ended."""
    order: list[str] = []

    @task
    def note(name: str, pause: float = 0) -> None:
        time.sleep(pause)
        order.append(name)

    @flow
    def main() -> None:
        note.submit("second", wait_for=[note.submit("first", 0.1)])

    main()
    assert order == ["first", "second"]


def test_map_goes_over_items() -> None:
    """Of several arguments together, of a future's list; text, mappings, `unmapped` and defaults are the same for all."""

    @task
    def join(a: Any, b: Any, c: Any = "c") -> str:
        return f"{a}{b}{c}"

    @flow
    def main() -> list[Any]:
        numbers = double.submit([1])
        return [
            join.map([1, 2], "x").result(),
            join.map(a=[1, 2], b=(3, 4), c=unmapped([0])).result(),
            join.map(numbers, "y").result(),
            join.map(range(2), b=double.map([1, 2])).result(),
        ]

    assert main() == [["1xc", "2xc"], ["13[0]", "24[0]"], ["1yc", "1yc"], ["02c", "14c"]]
    with pytest.raises(ValueError, match="a has 1, b has 2"):
        join.map([1], [1, 2])
    with pytest.raises(ValueError, match="nothing to map over"):
        join.map("ab", {"a": 1})


def test_what_a_flow_returns_of_its_tasks_decides_how_it_ends() -> None:
    """Futures and states among them: one that failed fails the flow, else their values are the result."""

    @flow
    def good() -> Any:
        return [double.submit(1), double.submit(2)]

    @flow
    def bad() -> Any:
        return [double.submit(1), fail.submit(), Failed()]

    @flow
    def single() -> Any:
        return double.submit(5)

    assert good() == [2, 4]
    state = bad(return_state=True)  # pyright: ignore
    assert (state.type, state.message) == ("FAILED", "2/3 states failed.")
    assert single() == 10


@pytest.mark.parametrize(
    ("delays", "expected"), [(0.05, [0.05, 0.05]), ([0.01, 0.1], [0.01, 0.1]), (lambda n: [0.02] * n, [0.02, 0.02]), (None, [0, 0])]
)
def test_retries_wait_as_long_as_they_are_told(delays: Any, expected: list[float]) -> None:
    """A number, a list, or a function that makes a list of the number of retries."""
    tries: list[float] = []

    @task(retries=2, retry_delay_seconds=delays)
    def flaky() -> str:
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise OSError
        return f"try {task_run.run_count}"

    assert flaky() == "try 3"
    waited = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert all(wait >= told for wait, told in zip(waited, expected, strict=True))


def test_retries_can_depend_and_spread() -> None:
    """`retry_condition_fn` says whether, `retry_jitter_factor` spreads the pause."""
    tries: list[int] = []

    @task(retries=5, retry_condition_fn=lambda _task, _run, state: isinstance(state.data, OSError))
    def picky() -> None:
        tries.append(1)
        raise OSError if len(tries) < 3 else ValueError("for good")

    with pytest.raises(ValueError, match="for good"):
        picky()
    assert len(tries) == 3
    spread = task(retries=1, retry_delay_seconds=10, retry_jitter_factor=0.5)(fail.fn)
    delays = {spread.retry_delay(1) for _ in range(20)}
    assert len(delays) > 1
    assert min(delays) >= 10
    assert max(delays) <= 15


def test_a_timeout_ends_a_task_in_any_thread() -> None:
    """Called or submitted; the flow goes on."""

    @task(timeout_seconds=0.1)
    def slow() -> None:
        for _ in range(300):
            time.sleep(0.01)

    @flow
    def main() -> list[str]:
        return [slow(return_state=True).name, slow.submit().final_state.name]  # pyright: ignore

    assert main() == ["TimedOut", "TimedOut"]


def test_results_are_kept_under_their_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until they expire; another key, other code or a failure is run."""
    monkeypatch.setenv("FLOWHAND_HOME", str(tmp_path))
    ran: list[Any] = []

    @task(cache_key_fn=task_input_hash)
    def costly(x: Any) -> Any:
        ran.append(x)
        if x == "bad":
            raise ValueError(x)
        return [x]

    assert [costly(1), costly(1), costly(2)] == [[1], [1], [2]]
    assert costly(1, return_state=True).name == "Cached"  # pyright: ignore[reportCallIssue]
    assert ran == [1, 2]
    brief = costly.with_options(cache_key_fn=lambda _context, parameters: f"mine-{parameters['x']}", cache_expiration=timedelta(seconds=0))
    assert [brief(3), brief(3)] == [[3], [3]]
    assert ran == [1, 2, 3, 3]
    for _ in range(2):
        assert costly("bad", return_state=True).is_failed()  # pyright: ignore[reportCallIssue]
    assert ran[4:] == ["bad", "bad"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "results").iterdir())


def test_hooks_names_tags_and_context() -> None:
    """A task run has a name of its own and knows where it is; hooks hear of its end; logs are its own."""
    heard: list[Any] = []

    @task(
        task_run_name="about {x}",
        tags=["b", "a"],
        on_completion=[lambda t, r, s: heard.append((t.name, r.name, s.name))],
        on_failure=[lambda *_: heard.append("failed")],
    )
    def named(x: int) -> Any:
        get_run_logger().info("in the task")
        if x < 0:
            raise ValueError
        return task_run.name, task_run.tags, task_run.parameters, task_run.task_name, flow_run.name

    @flow(flow_run_name="whole")
    def main() -> Any:
        assert task_run.id is None
        named(-1, return_state=True)  # pyright: ignore
        return named(5), double.submit(1).task_run.name, double.submit(1).task_run.name

    found, first, second = main()
    assert found == ("about 5", ["a", "b"], {"x": 5}, "named", "whole")
    assert (first, second) == ("double-0", "double-1")
    assert heard == ["failed", ("named", "about 5", "Completed")]


def test_futures_can_be_waited_for_in_many_ways() -> None:
    """One by one as they end, all together, or for so long."""
    let_go = threading.Event()

    @task
    def hold(x: int) -> int:
        assert x == 0 or let_go.wait(10)
        return x

    @flow
    def main() -> None:
        quick, slow = hold.submit(0), hold.submit(1)
        done, not_done = wait([quick, slow], timeout=0.2)
        assert (done, not_done) == ({quick}, {slow})
        with pytest.raises(TimeoutError, match="has not ended"):
            slow.result(timeout=0.01)
        with pytest.raises(TimeoutError, match="1 of 2"):
            list(as_completed([quick, slow], timeout=0.05))
        let_go.set()
        assert [future.result() for future in as_completed([slow, quick])].count(1) == 1
        assert {quick.state.name, slow.final_state.name} == {"Completed"}  # pyright: ignore

    main()


def test_tasks_can_submit_tasks_and_be_methods() -> None:
    """Deeply, without coming to a standstill; bound to their instance."""

    @task
    def deep(levels: int) -> int:
        return 0 if levels == 0 else deep.submit(levels - 1).result() + 1

    class Jobs:
        factor = 5

        @task
        def times(self, x: int) -> int:
            return self.factor * x

    @flow
    def main() -> tuple[int, list[int]]:
        return deep(20), Jobs().times.map([1, 2]).result()

    assert main() == (20, [5, 10])


def test_submitting_outside_of_a_flow_works_too() -> None:
    """And knows no flow run."""
    assert task(name="alone")(lambda: flow_run.id).submit().result(10) is None


def test_wrong_options_are_refused() -> None:
    """Where they are written."""
    with pytest.raises(ValueError, match="retry_delay_seconds is -1"):
        task(retry_delay_seconds=[1, -1])(double.fn)
    with pytest.raises(TypeError, match="takes no color"):
        double.with_options(color="red")
    with pytest.raises(TypeError, match="@task goes on a function"):
        task(Path)
