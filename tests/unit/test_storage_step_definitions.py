"""Pull steps as data: what is read, what is refused, how templates are filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.errors import InvalidStep, StepFailed
from flowhand_storage.scrub import Scrubber
from flowhand_storage.steps.definition import read_steps
from flowhand_storage.steps.known import KNOWN, UPLOADS, known_step
from flowhand_storage.steps.progress import Progress, Reference, StepContext, StepRun
from flowhand_storage.steps.run import run_steps, split_steps
from flowhand_storage.steps.templates import filled


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    blocks = {
        Reference("secret", "word"): "s3cret",
        Reference("aws-credentials", "mine"): {"key": "k3y-of-aws", "nested": {"list": ["a", "b"]}},
        Reference("variable", "answer"): 42,
        Reference("variable", "with.dots"): "dotted",
    }
    return StepContext(tmp_path, CheckoutStore(tmp_path), environ={"PLACE": "here", "API_TOKEN": "env-t0ken"}, resolve=blocks.__getitem__)


@pytest.fixture
def run(context: StepContext) -> StepRun:
    progress = Progress(str(context.folder), outputs={"directory": "/last"}, by_id={"clone": {"directory": "/code", "n": 3, "l": [1, 2]}})
    return StepRun(context, progress, Scrubber())


@pytest.mark.parametrize("name", KNOWN)
def test_known_under_every_name(name: str) -> None:
    """Short names, ours, and those that Prefect's users have in their files."""
    for prefix in ("", "flowhand.deployments.steps.", "prefect.deployments.steps.", "prefect.projects.steps."):
        assert known_step(prefix + name) is KNOWN[name]
    assert known_step("my.own." + name) is None


def test_the_names_of_integrations() -> None:
    """Prefect's packages for clouds had these steps."""
    assert known_step("prefect_aws.deployments.steps.pull_from_s3") is KNOWN["pull_from_s3"]
    assert known_step("prefect_gcp.deployments.steps.pull_from_gcs") is KNOWN["pull_from_gcs"]
    assert known_step("prefect_azure.deployments.steps.pull_from_azure_blob_storage") is KNOWN["pull_from_azure_blob_storage"]
    for package, name in (("aws", "push_to_s3"), ("gcp", "push_to_gcs"), ("azure", "push_to_azure_blob_storage")):
        for kind in ("deployments", "projects"):
            assert known_step(f"prefect_{package}.{kind}.steps.{name}", UPLOADS) is UPLOADS[name]
    assert known_step("prefect.deployments.steps.utility.run_shell_script") is KNOWN["run_shell_script"]


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_every_known_step_is_there(known: Any) -> None:
    """Each has a function with documented inputs of known types."""
    assert known.function().__doc__
    assert known.hints().keys() >= known.parameters().keys()


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("git_clone", "a list"),
        ({"git_clone": {}}, "a list"),
        (["git_clone"], "step 1 is no mapping"),
        ([{}], "step 1 is no mapping"),
        ([{"set_working_directory": {"directory": "."}, "git_clone": {}}], "step 1 is no mapping"),
        ([{"git_clone": "x"}], "step 1 is no mapping"),
        ([{"git_clone": {1: 2}}], "step 1 is no mapping"),
        ([{"git_clnoe": {}}], "did you mean git_clone"),
        ([{"prefect.deployments.steps.git_clnoe": {}}], "did you mean git_clone"),
        ([{"prefect.deployments.steps.build_docker_image": {}}], "there is no step"),
        ([{"git_clone": {}}], "needs the input repository"),
        ([{"git_clone": {"repository": "x", "brnach": "main"}}], "did you mean branch"),
        ([{"git_clone": {"repository": "x", "run": 1}}], "no input 'run'"),
        ([{"git_clone": {"repository": "x", "id": 5}}], "id must be"),
        ([{"a.b": {"requires": 5}}], "requires must be"),
        ([{"a.b": {"requires": [""]}}], "requires must be"),
        ([{"a.b": {"id": "x"}}, {"c.d": {"id": "x"}}], "two steps have the id 'x'"),
        ([{"not a name": {}}], "there is no step"),
        ([{"os.system; x": {}}], "there is no step"),
    ],
)
def test_mistakes_are_told(steps: Any, words: str) -> None:
    """Each names the step's place and what to write instead."""
    with pytest.raises(InvalidStep, match=words):
        read_steps(steps)


def test_no_steps() -> None:
    """A deployment without steps has none."""
    assert read_steps(None) == read_steps([]) == []
    assert split_steps(None) == ([], [])


def test_where_steps_belong() -> None:
    """Ours run before the child, until the first that runs the user's code; from there on all belong into the child."""
    fetch, shell, own = {"git_clone": {"repository": "x"}}, {"run_shell_script": {"script": "x"}}, {"my.step": {}}
    work = {"set_working_directory": {"directory": "x"}}
    assert split_steps([fetch, work]) == ([fetch, work], [])
    assert split_steps([fetch, shell, work]) == ([fetch], [shell, work])
    assert split_steps([own, fetch]) == ([], [own, fetch])


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ clone.directory }}", "/code"),
        ("{{clone.directory}}/sub", "/code/sub"),
        ("{{ clone.n }}", 3),
        ("v{{ clone.n }}", "v3"),
        ("{{ clone.l[1] }}", 2),
        ("{{ clone }}", {"directory": "/code", "n": 3, "l": [1, 2]}),
        ("{{ directory }}", "/last"),
        ("{{ $PLACE }}", "here"),
        ("{{ prefect.variables.answer }}", 42),
        ("{{ flowhand.variables.answer }}", 42),
        ("{{ prefect.variables.with.dots }}", "dotted"),
        ("{{ prefect.blocks.secret.word }}", "s3cret"),
        ("Bearer {{ prefect.blocks.secret.word }}", "Bearer s3cret"),
        ("{{ prefect.blocks.aws-credentials.mine.nested.list[0] }}", "a"),
        ("{{ prefect.blocks.aws-credentials.mine }}", {"key": "k3y-of-aws", "nested": {"list": ["a", "b"]}}),
        (["{{ clone.n }}", {"x": "{{ clone.n }}"}], [3, {"x": 3}]),
        ("{{ .Names }}", "{{ .Names }}"),
        ("{{ unknown.thing }} stays", "{{ unknown.thing }} stays"),
        ("{{ two words }}", "{{ two words }}"),
        ("{ clone.n }", "{ clone.n }"),
        (5, 5),
        (None, None),
    ],
)
def test_templates(run: StepRun, template: Any, expected: Any) -> None:
    """A template alone keeps its type; within text it becomes text; what is not known here stays."""
    assert filled(template, run) == expected


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ clone.nothing }}", "there is no nothing; there is directory, n, l"),
        ("{{ clone.l[9] }}", "there is no 9"),
        ("{{ $UNSET }}", "UNSET is not set"),
        ("x {{ clone.l }}", "must stand alone"),
        ("{{ prefect.blocks.secret }}", "names no block"),
    ],
)
def test_templates_that_cannot_be_filled(run: StepRun, template: str, words: str) -> None:
    """Known places without that value are mistakes, told before the step runs with a wrong input."""
    with pytest.raises(InvalidStep, match=words):
        filled(template, run)


def test_what_templates_bring_is_secret(run: StepRun) -> None:
    """A block's values, and environment variables that tell of it by their name, are masked from then on; variables are not."""
    filled(["{{ prefect.blocks.aws-credentials.mine }}", "{{ $API_TOKEN }}", "{{ $PLACE }}"], run)
    assert run.clean("k3y-of-aws env-t0ken here") == "*** *** here"


def test_an_unknown_block_fails_the_step(context: StepContext) -> None:
    """Whatever the resolver raises becomes the step's failure."""
    with pytest.raises(StepFailed, match="cannot be resolved"):
        run_steps([{"set_working_directory": {"directory": "{{ prefect.blocks.secret.nowhere }}"}}], context)


def test_without_an_api(context: StepContext, tmp_path: Path) -> None:
    """Where nobody can be asked for blocks, a step that needs one says so."""
    alone = StepContext(tmp_path, context.store)
    for step in (
        {"set_working_directory": {"directory": "{{ prefect.blocks.secret.word }}"}},
        {"pull_with_block": {"block_type_slug": "s3", "block_document_name": "x"}},
    ):
        with pytest.raises(StepFailed, match="no API"):
            run_steps([step], alone)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"set_working_directory": {"directory": 5}}, "directory must be a text, not int"),
        ({"git_clone": {"repository": "x", "directories": "flows"}}, "directories must be a list or nothing, not str"),
        ({"git_clone": {"repository": "x", "directories": [1]}}, "directories must be"),
        ({"run_shell_script": {"script": "x", "shell": "yes"}}, "shell must be true or false"),
        ({"git_clone": {"repository": "x", "access_token": "a", "credentials": "b"}}, "not both"),
        ({"git_clone": {"repository": "x", "branch": "-b"}}, "no name of a branch"),
        ({"git_clone": {"repository": "/nowhere", "clone_directory_name": "../x"}}, "nowhere"),
        ({"set_working_directory": {"directory": "nowhere"}}, "there is no folder"),
    ],
)
def test_inputs_that_do_not_fit(context: StepContext, step: dict[str, Any], words: str) -> None:
    """Types are checked once templates are filled; no value is quoted beside the inputs as they were written."""
    with pytest.raises(StepFailed, match=words):
        run_steps([step], context)
