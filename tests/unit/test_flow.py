"""Flows: what they are, and calling them here and now."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from flowhand import Flow, flow, get_run_logger
from flowhand.errors import FailedRun, FlowTimeout, MissingContextError, ParameterError
from flowhand.runtime import flow_run
from flowhand.states import Cancelled, Completed, Failed, State


@flow
def add(x: int, y: int = 2) -> int:
    """Adds two numbers."""
    return x + y


@flow
async def add_async(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1


class Jobs:
    factor = 3

    @flow
    def own(self, x: int) -> int:
        return self.factor * x

    @flow
    @classmethod
    def shared(cls, x: int) -> int:
        return cls.factor * x

    @staticmethod
    @flow
    def loose(x: int) -> int:
        return 3 * x


def test_a_flow_describes_itself() -> None:
    """Name, description and version come from the function and its file unless they are given."""
    assert (add.name, add.description) == ("add", "Adds two numbers.")
    assert add_async.name == "add-async"
    assert add.version == add_async.version is not None
    named = flow(name="sum", version="7", description="d")(add.fn)
    assert (named.name, named.version, named.description) == ("sum", "7", "d")
    assert isinstance(named, Flow)


def test_calling_coerces_and_answers() -> None:
    """Plain flows answer their value, async ones an awaitable, both with parameters coerced by type."""
    assert add("3") == 5  # pyright: ignore[reportArgumentType]
    assert asyncio.run(add_async("3")) == 4  # pyright: ignore[reportArgumentType]


def test_methods_bind() -> None:
    """Instance, class and static methods are flows, called like the functions they were."""
    assert (Jobs().own("2"), Jobs.shared("2"), Jobs().shared(2), Jobs.loose("2"), Jobs().loose(2)) == (6, 6, 6, 6, 6)  # pyright: ignore


def test_what_a_flow_raises_is_raised() -> None:
    """And is in the state, when the state is asked for."""

    @flow
    def broken() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        broken()
    state = broken(return_state=True)  # pyright: ignore[reportCallIssue]
    assert isinstance(state, State)
    assert state.is_failed()
    with pytest.raises(ValueError, match="no"):
        state.result()
    assert isinstance(state.result(raise_on_failure=False), ValueError)


@pytest.mark.parametrize(
    ("returned", "kind", "value"), [(Completed(data=3), "COMPLETED", 3), (Failed(message="m"), "FAILED", FailedRun), (3, "COMPLETED", 3)]
)
def test_a_returned_state_is_the_runs(returned: Any, kind: str, value: Any) -> None:
    """Its type counts, and its data is the result."""
    made = flow(name="made")(lambda: returned)
    state = made(return_state=True)  # pyright: ignore[reportCallIssue]
    assert state.type == kind
    if isinstance(value, type):
        with pytest.raises(value):
            made()
    else:
        assert made() == value
    assert flow(name="c")(lambda: Cancelled())(return_state=True).is_cancelled()  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_retries_run_again_until_it_works(kind: str) -> None:
    """At most `retries` times, `retry_delay_seconds` apart; the run knows its count; hooks hear of the end alone."""
    tries: list[int] = []
    heard: list[str] = []

    def body() -> str:
        tries.append(flow_run.run_count)
        if len(tries) < 3:
            raise OSError("again")
        return "done"

    async def async_body() -> str:
        return body()

    made = flow(
        name="retried",
        retries=2,
        retry_delay_seconds=0.05,
        on_failure=[lambda _f, _r, s: heard.append(s.name)],
        on_completion=[lambda _f, _r, s: heard.append(s.name)],
        on_running=[lambda _f, _r, s: heard.append(s.name)],
    )(body if kind == "plain" else async_body)
    begun = time.monotonic()
    assert (made() if kind == "plain" else asyncio.run(made())) == "done"  # pyright: ignore
    assert tries == [1, 2, 3]
    assert time.monotonic() - begun >= 0.1
    assert heard == ["Running", "Running", "Running", "Completed"]


def test_timeouts_work_in_the_main_thread_in_others_and_on_a_loop() -> None:
    """FlowTimeout, with the contract's words in the state; `finally` blocks run."""
    tidied: list[str] = []

    @flow(timeout_seconds=0.1)
    def slow() -> None:
        try:
            for _ in range(200):
                time.sleep(0.01)
        finally:
            tidied.append("plain")

    @flow(timeout_seconds=0.1)
    async def slow_async() -> None:
        try:
            await asyncio.sleep(2)
        finally:
            tidied.append("async")

    with pytest.raises(FlowTimeout):
        slow()
    state = asyncio.run(slow_async(return_state=True))  # pyright: ignore
    assert (state.name, state.message) == ("TimedOut", "Flow run exceeded timeout of 0.1 second(s)")
    states: list[State] = []
    thread = threading.Thread(target=lambda: states.append(slow(return_state=True)))  # pyright: ignore
    thread.start()
    thread.join()
    assert states[0].name == "TimedOut"
    assert tidied == ["plain", "async", "plain"]


def test_deadlines_nest() -> None:
    """An inner flow's time-out is its own, an outer one's ends both, and neither is taken for the other."""

    @flow(timeout_seconds=0.1)
    def inner(seconds: float) -> str:
        time.sleep(seconds)
        return "in time"

    @flow(timeout_seconds=0.3)
    def outer() -> list[str]:
        first = inner(9, return_state=True).name  # pyright: ignore
        return [first, inner(0), inner.with_options(timeout_seconds=9)(9)]

    begun = time.monotonic()
    state = outer(return_state=True)  # pyright: ignore
    assert state.name == "TimedOut"
    assert 0.3 <= time.monotonic() - begun < 3

    @flow(timeout_seconds=9)
    def patient() -> list[str]:
        return [inner(9, return_state=True).name, inner(0)]  # pyright: ignore

    assert patient() == ["TimedOut", "in time"]


def test_a_flow_in_a_flow_knows_its_parent() -> None:
    """And each has its own context, gone when it ends."""

    @flow(flow_run_name="child of {name}")
    def child(name: str) -> tuple[str | None, str | None]:
        return flow_run.parent_flow_run_id, flow_run.name

    @flow
    def parent() -> None:
        me = flow_run.id
        assert child("p") == (me, "child of p")
        assert flow_run.id == me

    parent()
    assert flow_run.id is None
    with pytest.raises(MissingContextError, match="inside a flow"):
        get_run_logger()


def test_a_call_that_does_not_fit_is_refused_before_anything_runs() -> None:
    """With what the flow takes."""
    with pytest.raises(ParameterError, match="it takes x, y=2"):
        add(z=1)  # pyright: ignore[reportCallIssue]
    with pytest.raises(ParameterError, match=r"x: .*valid integer.*given 'a', wanted int"):
        add("a")  # pyright: ignore[reportArgumentType]


def test_a_run_name_that_cannot_be_made_is_told() -> None:
    """The template, and what is missing."""
    with pytest.raises(ParameterError, match=r"flow_run_name 'about {z}' cannot be filled in: KeyError"):
        add.with_options(flow_run_name="about {z}")(1)


def test_with_options_changes_a_copy() -> None:
    """What is not given stays; unknown options are named."""
    other = add.with_options(name="other", retries=3)
    assert (other.name, other.retries, other.fn, other.description) == ("other", 3, add.fn, add.description)
    assert (add.name, add.retries) == ("add", 0)
    with pytest.raises(TypeError, match="takes no color"):
        add.with_options(color="red")


@pytest.mark.parametrize(
    ("options", "words"),
    [({"name": "a/b"}, "cannot contain /"), ({"retries": -1}, "retries is -1"), ({"timeout_seconds": "9"}, "timeout_seconds is '9'")],
)
def test_wrong_options_are_refused_where_they_are_written(options: dict[str, Any], words: str) -> None:
    """With the option and its value."""
    with pytest.raises(ValueError, match=words):
        flow(**options)(add.fn)


def test_only_functions_can_be_flows() -> None:
    """A class or a value is told so; hooks must be callable."""
    with pytest.raises(TypeError, match="goes on a function"):
        flow(Jobs)  # pyright: ignore
    with pytest.raises(TypeError, match="on_failure takes functions"):
        flow(on_failure=["notify"])(add.fn)  # pyright: ignore


def test_hooks_can_be_added_by_decorator() -> None:
    """`@my_flow.on_completion`; a hook that raises changes nothing."""
    made = flow(name="hooked")(lambda: 1)
    heard: list[str] = []

    @made.on_completion
    def first(_flow: Any, _run: Any, _state: Any) -> None:
        raise RuntimeError("hook")

    @made.on_completion
    async def second(_flow: Any, run: Any, state: Any) -> None:
        heard.append(f"{run.flow_name} {state.name}")

    assert made() == 1
    assert heard == ["hooked Completed"]
    assert first
    assert second


def test_generator_flows_run_to_their_end() -> None:
    """Plain and async ones answer what they yielded, as a list."""

    @flow
    def numbers() -> Any:
        yield from range(3)

    @flow
    async def more() -> Any:
        for number in range(3):
            yield number

    assert numbers() == [0, 1, 2]
    assert asyncio.run(more()) == [0, 1, 2]


def test_a_flow_is_pickled_by_its_name() -> None:
    """Being found again under it."""
    assert pickle.loads(pickle.dumps(add)) is add


def test_prints_of_a_flow_are_log_lines_only_where_asked_for(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """`log_prints` is inherited by flows that are called, and never reaches beyond the run."""

    @flow
    def child() -> None:
        print("from below")

    @flow(log_prints=True)
    def parent() -> None:
        print("a", "b", sep="-", end="!\n")
        child()
        child.with_options(log_prints=False)()

    caplog.set_level("INFO")
    parent()
    print("outside")
    assert [r.getMessage() for r in caplog.records if r.getMessage() in ("a-b!", "from below")] == ["a-b!", "from below"]
    assert capsys.readouterr().out == "from below\noutside\n"


def test_importing_flowhand_is_cheap() -> None:
    """By what is loaded, not by the clock: no web stack, no validation library, no loop."""
    code = "from flowhand import flow, serve\nimport sys\n@flow\ndef f(x: int): pass\nf(1)\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    heavy = {
        "httpx",
        "docker",
        "structlog",
        "sqlalchemy",
        "pydantic",
        "asyncio",
        "anyio",
        "pendulum",
        "rich",
        "fastapi",
        "orjson",
        "croniter",
    }
    assert loaded & heavy == set()


def test_every_public_name_is_there() -> None:
    """What `__all__` promises can be imported, also by star, and is listed."""
    import flowhand

    for name in flowhand.__all__:
        assert getattr(flowhand, name) is not None
        assert name in dir(flowhand)
    with pytest.raises(AttributeError, match="no attribute 'flwo'"):
        _ = flowhand.flwo  # pyright: ignore
    assert Path(flowhand.__file__ or "").is_file()
