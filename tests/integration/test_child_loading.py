"""Loading flows in a run's process: every form of entrypoint, every way a module can be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.children import Nursery


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("nursery"))
    yield nursery
    nursery.close()


@pytest.fixture
def nursery(server: Nursery, tmp_path: Path) -> Nursery:
    server.folder = tmp_path
    return server


FLOW = "@flow(persist_result=True)\ndef main(): return __name__\n"


@pytest.mark.parametrize(
    ("file", "entrypoint", "module"),
    [
        ("flows.py", "flows.py:main", "flows"),
        ("flows.py", "./flows.py:main", "flows"),
        ("jobs/etl.py", "jobs/etl.py:main", "jobs.etl"),
        ("jobs/etl.py", "jobs.etl:main", "jobs.etl"),
        ("jobs/etl.py", "jobs.etl.main", "jobs.etl"),
        ("storage.py", "storage.py:main", "storage"),
        ("runner/flows.py", "runner/flows.py:main", "runner.flows"),
        ("my-flows/a b.py", "my-flows/a b.py:main", None),
        ("logging.py", "logging.py:main", "flowhand_flow_logging"),
        ("flowhand.py", "flowhand.py:main", "flowhand_flow_flowhand"),
        ("pydantic/flows.py", "pydantic/flows.py:main", "flows"),
    ],
)
def test_modules_load_under_their_true_names(nursery: Nursery, file: str, entrypoint: str, module: str | None) -> None:
    """Files and modules, in folders, with names of ours or of the standard library, which never break us nor we them."""
    nursery.write(FLOW, file)
    run = nursery.run(entrypoint=entrypoint)
    assert run.end["type"] == "COMPLETED", run.end
    assert module in (None, run.end["data"])


def test_packages_siblings_and_pickling_work(nursery: Nursery) -> None:
    """Relative imports in a package, a sibling beside a file in a folder, and a class of the flow's module in a spawned process."""
    nursery.write("from .names import NAME\n@flow(persist_result=True)\ndef main(): return NAME\n", "pack/flows.py")
    nursery.write("", "pack/__init__.py")
    nursery.write("NAME = 'packed'\n", "pack/names.py")
    assert nursery.run(entrypoint="pack/flows.py:main").end["data"] == "packed"
    nursery.write("import sibling\n@flow(persist_result=True)\ndef main(): return sibling.NAME\n", "jobs/flows.py")
    nursery.write("NAME = 'beside'\n", "jobs/sibling.py")
    assert nursery.run(entrypoint="jobs/flows.py:main").end["data"] == "beside"
    run = nursery.run(
        """
        import multiprocessing, pickle
        class Box:
            def __init__(self, n): self.n = n
        def double(box): return Box(box.n * 2)
        @flow(persist_result=True)
        def main():
            assert pickle.loads(pickle.dumps(main)) is main
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                return pool.map(double, [Box(21)])[0].n
        """
    )
    assert run.end["data"] == 42, run.end


def test_packages_below_src_have_the_names_that_they_are_imported_by(nursery: Nursery) -> None:
    """A package in a folder `src` that is none; a `src` that is a package, or holds files alone, is part of the name."""
    flow = "from ..names import NAME\nfrom acme import names\n@flow(persist_result=True)\ndef main(): return [__name__, NAME, names.NAME]\n"
    nursery.write(flow, "src/acme/jobs/etl.py")
    for name, text in {"__init__": "", "jobs/__init__": "", "names": "NAME = 'acme'\n"}.items():
        nursery.write(text, f"src/acme/{name}.py")
    nursery.write(FLOW, "src/plain.py")
    assert nursery.run(entrypoint="src/acme/jobs/etl.py:main").end["data"] == ["acme.jobs.etl", "acme", "acme"]
    assert nursery.run(entrypoint="src/plain.py:main").end["data"] == "src.plain"
    nursery.write("", "src/__init__.py")
    nursery.write(FLOW, "src/acme/jobs/etl.py")
    assert nursery.run(entrypoint="src/acme/jobs/etl.py:main").end["data"] == "src.acme.jobs.etl"


def test_methods_are_found_by_their_qualified_name(nursery: Nursery) -> None:
    """Instance, class and static methods, in both orders of the decorators."""
    nursery.write(
        """
        class Jobs:
            factor = 2
            @flow(persist_result=True)
            def one(self, x: int): return self.factor * x
            @flow(persist_result=True)
            @classmethod
            def two(cls, x: int): return cls.factor * x
            @classmethod
            @flow(persist_result=True)
            def three(cls, x: int): return cls.factor * x
            @staticmethod
            @flow(persist_result=True)
            def four(x: int): return 2 * x
            @flow(persist_result=True)
            @staticmethod
            def five(x: int): return 2 * x
        class Needy:
            def __init__(self, name): pass
            @flow
            def main(self): pass
        """
    )
    for name in ("one", "two", "three", "four", "five"):
        assert nursery.run(entrypoint=f"flows.py:Jobs.{name}", parameters={"x": "3"}).end["data"] == 6, name
    assert "Needy() cannot be made without arguments" in nursery.run(entrypoint="flows.py:Needy.main").end["message"]


@pytest.mark.parametrize(
    ("text", "entrypoint", "words"),
    [
        (FLOW, "flows.py:mian", "there is no 'mian' in flows.py; did you mean 'main'?"),
        (FLOW, "flows.py:other", "its flows are main"),
        ("def main(): pass", "flows.py:main", "'main' in flows.py is a function without @flow; it has no flows"),
        ("main = 3", "flows.py:main", "is a int, not a flow"),
        (FLOW, "flow.py:main", "there is no file 'flow.py' in "),
        (FLOW, "nowhere:main", "there is no module 'nowhere'"),
        (FLOW, "flows.py", "write flows.py:my_flow"),
        (FLOW, "main", "is neither path/to/file.py:my_flow nor package.module:my_flow"),
        ("def main(:\n", "flows.py:main", "flows.py, line 3: invalid syntax"),
        ("import acme_missing\n", "flows.py:main", "flows.py, line 3: there is no module 'acme_missing'; install it"),
        ("raise ValueError('at import')", "flows.py:main", "flows.py, line 3: importing it failed with ValueError: at import"),
        ("sys.exit(2)", "flows.py:main", "called sys.exit(2) while it was imported"),
        ("class A: pass", "flows.py:A.main", "there is no 'main' in 'A.main' in flows.py"),
    ],
)
def test_what_is_wrong_with_an_entrypoint_is_told(nursery: Nursery, text: str, entrypoint: str, words: str) -> None:
    """In the state's message, with file and line, and what was meant; the run has Failed, and user code did not run."""
    run = nursery.run(text, entrypoint)
    assert run.end["type"] == "FAILED"
    assert run.end["message"].startswith("The flow could not be loaded: ")
    assert words in run.end["message"]
    assert run.of("running") == []


def test_an_import_error_brings_the_modules_own_traceback(nursery: Nursery) -> None:
    """Not ours."""
    run = nursery.run("def deep(): raise ValueError('deep')\ndeep()\n")
    assert run.end["error"]["type"] == "ValueError"
    assert "in deep" in run.end["error"]["traceback"]


def test_a_script_without_a_main_guard_neither_serves_nor_calls(nursery: Nursery) -> None:
    """Loading it for a run ignores both, with a warning that says how to write it, and runs the flow once."""
    run = nursery.run(
        """
        from flowhand import serve
        @flow(log_prints=True)
        def main(): print("ran")
        main()
        serve(main.to_deployment("again"))
        main.serve("again")
        """
    )
    assert run.end["type"] == "COMPLETED"
    messages = run.messages()
    assert messages.count("ran") == 1
    assert sum("__main__" in message for message in messages) == 3


def test_a_changed_file_is_loaded_anew(nursery: Nursery) -> None:
    """The process that forks runs has never imported user code: the next run sees the new text, even within the same second."""
    for number in range(3):
        run = nursery.run(f"@flow(persist_result=True)\ndef main(): return {number}")
        assert run.end["data"] == number
