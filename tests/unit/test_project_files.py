"""Project files and their parts: what is read, what is refused and where, which deployments are meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from flowhand.deployments.projects.finding import flows_in
from flowhand.deployments.projects.leftovers import without_leftovers
from flowhand.deployments.projects.options import Options
from flowhand.deployments.projects.project_file import Entry, ProjectFile, find_file, read_file
from flowhand.deployments.projects.recipes import RECIPES, known_fields, missing_fields, project_text
from flowhand.deployments.projects.saving import save
from flowhand.deployments.projects.schedules import schedule_of
from flowhand.deployments.projects.selecting import select
from flowhand.errors import ConfigurationError, ProjectError


def reading(path: Path, text: str) -> ProjectFile:
    path.write_text(text)
    return read_file(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deployments:\n\t- name: x\n", ":2: there is a tab"),
        ("deployments:\n  - name: x\n    name: y\n", ":3: name stands here and in line 2"),
        ("deployments:\n  - name: x\n    tag: [a]\n", ":3: a deployment has no field 'tag'; did you mean tags?"),
        ("deployments:\n  - name: x\n    qwrtz: 1\n", ":3: a deployment has no field 'qwrtz'; there are build"),
        ("deployments:\n  - work_pool:\n      queue: x\n", ":3: work_pool has no field 'queue'"),
        (
            "deployments:\n  - schedules:\n      - cron: x\n        timezon: y\n",
            ":4: a schedule has no field 'timezon'; did you mean timezone?",
        ),
        ("deployments:\n  - concurrency_limit:\n      limt: 1\n", ":3: concurrency_limit has no field 'limt'; did you mean limit?"),
        ("deploymets: []\n", ":1: the file has no field 'deploymets'; did you mean deployments?"),
        ("deployments:\n  name: x\n", ":1: deployments are a list"),
        ("deployments:\n  - x\n", ":2: a deployment is no mapping"),
        ("- x\n", ":1: the file is no mapping"),
        ("deployments:\n  - name: x\n    schedule: {cron: a}\n    schedules: []\n", ":3: schedule and schedules were both given"),
        ("deployments:\n  - name: x\n    schedules: {cron: a}\n", ":3: schedules are a list"),
        ("build:\n  - a.b: {}\n    c: d\n", ":2: a step is a mapping of its name"),
        ("build: text\n", ":1: build is a list of steps"),
        ("name: {{ x }}\n", ":1: a mapping cannot be a key; put templates in quotes"),
        ("name: [x\n", "expected ',' or ']'"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        (
            "deployments:\n  - &a {name: x, entrypoint: 'f.py:f'}\n  - *a\n",
            ":2: a deployment 'x' of the same flow stands at ",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """Tabs, keys given twice, unknown fields with what was meant, wrong shapes: the file and the line."""
    with pytest.raises(ProjectError) as failure:
        reading(tmp_path / "prefect.yaml", text)
    assert said in str(failure.value)
    assert str(failure.value).startswith(str(tmp_path / "prefect.yaml"))


def test_a_file_that_would_never_end(tmp_path: Path) -> None:
    """Aliases of aliases are refused before they fill the memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(ProjectError, match="do aliases stand in each other"):
        reading(tmp_path / "x.yaml", "\n".join(lines))
    with pytest.raises(ProjectError, match="do aliases stand in each other"):
        reading(tmp_path / "x.yaml", "a: &a [*a]\n")


def test_anchors_merge_and_sections(tmp_path: Path) -> None:
    """Merged keys count, a mapping stands for one step, nothing and an empty list of steps are not the same."""
    text = """
common: &common {entrypoint: f.py:f, tags: [a]}
build: {a.b: {x: 1}}
pull: []
deployments:
  - <<: *common
    name: one
    tags: [b]
    pull: null
  - {name: two, <<: *common, entrypoint: f.py:g}
"""
    file = reading(tmp_path / "x.yaml", text)
    one, two = file.entries
    assert (one.given["entrypoint"], one.given["tags"], two.given["tags"]) == ("f.py:f", ["b"], ["a"])
    assert file.steps(one, "build") == [{"a.b": {"x": 1}}]
    assert (file.steps(one, "pull"), file.steps(two, "pull"), file.steps(two, "push")) == (None, [], None)
    assert one.where("tags").endswith(":8: ")
    assert one.where("entrypoint").endswith(":2: ")


def test_the_file_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """flowhand.yaml, else prefect.yaml, else none; one that is named must be there."""
    monkeypatch.chdir(tmp_path)
    assert find_file(None) == ProjectFile()
    for name in ("prefect.yaml", "flowhand.yaml"):
        Path(name).write_text("name: x\n")
        assert find_file(None).path == Path(name)
    with pytest.raises(ProjectError, match=r"^no\.yaml cannot be read"):
        find_file(Path("no.yaml"))
    Path("bytes.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(ProjectError, match=r"^bytes\.yaml: byte 3 is no UTF-8"):
        find_file(Path("bytes.yaml"))


class Choosing:
    """Takes the second choice."""

    def choose(self, question: str, choices: Sequence[str]) -> int:
        return 1


def entries(*pairs: tuple[str | None, str]) -> ProjectFile:
    return ProjectFile(Path("f.yaml"), {}, [Entry({"name": name, "entrypoint": entrypoint}) for name, entrypoint in pairs])


def chosen(
    file: ProjectFile, *names: str, every: bool = False, entrypoint: str | None = None, asker: Choosing | None = None
) -> list[str | None]:
    return [entry.name for entry in select(file, names, every, entrypoint, asker)]


def test_which_deployments_are_meant() -> None:
    """By name, by flow/name, by pattern, all, the only one, or whom one asks."""
    file = entries(("a", "f.py:my_flow"), ("b", "f.py:my_flow"), ("a", "f.py:other"))
    assert chosen(file, "b") == ["b"]
    assert chosen(file, "a") == ["a", "a"]
    assert select(file, ["my-flow/a"], False, None, None) == [file.entries[0]]
    assert chosen(file, "my-flow/*") == ["a", "b"]
    assert chosen(file, "b", "*") == ["b", "a", "a"]
    assert chosen(file, every=True) == ["a", "b", "a"]
    assert chosen(file, asker=Choosing()) == ["b"]
    assert chosen(file, entrypoint="f.py:other") == ["a"]
    assert chosen(file, entrypoint="f.py:new") == [None]
    assert chosen(file, "new", entrypoint="f.py:new") == ["new"]
    assert chosen(entries(("only", "f.py:f"))) == ["only"]
    assert chosen(entries()) == [None]


@pytest.mark.parametrize(
    ("names", "said"),
    [(["bb"], "has no deployment 'bb'; did you mean 'bbb'"), (["x*"], "there are aaa, bbb"), ([], "several deployments: aaa, bbb")],
)
def test_a_name_in_vain(names: list[str], said: str) -> None:
    """It says what there is, and what may have been meant."""
    with pytest.raises(ConfigurationError, match=said):
        select(entries(("aaa", "f.py:f"), ("bbb", "f.py:f")), names, False, None, None)


def test_all_wants_names() -> None:
    """A deployment without one is not passed over in silence."""
    with pytest.raises(ConfigurationError, match="has no name; --all"):
        select(entries((None, "f.py:f")), [], True, None, None)


def test_schedules_of_files() -> None:
    """Intervals as seconds, clock time and ISO 8601; rules as text and JSON, also with COUNT."""
    for interval in (90, "0:01:30", "PT1M30S", "90"):
        assert schedule_of({"interval": interval}).wire()["schedule"]["interval"] == 90
    assert schedule_of({"rrule": '{"rrule": "FREQ=DAILY", "timezone": "Asia/Tokyo"}'}).wire()["schedule"]["timezone"] == "Asia/Tokyo"
    assert "COUNT" in schedule_of({"rrule": "FREQ=DAILY;COUNT=3"}).wire()["schedule"]["rrule"]
    assert schedule_of({"cron": "* * * * *", "active": "false", "slug": "s", "day_or": False}).wire() == {
        "schedule": {"cron": "* * * * *", "day_or": False},
        "active": False,
        "slug": "s",
    }
    for wrong, said in {"interval": "interval is 'x'", "cron": "x", "rrule": "x"}.items():
        with pytest.raises(ValueError, match=said):
            schedule_of({wrong: "x"})
    with pytest.raises(ValueError, match="cron and interval were given"):
        schedule_of({"cron": "* * * * *", "interval": 1})
    with pytest.raises(ValueError, match="none of them"):
        schedule_of({"timezone": "UTC"})
    with pytest.raises(ValueError, match="active is 'perhaps'"):
        schedule_of({"interval": 1, "active": "perhaps"})


def test_leftovers_go() -> None:
    """Keys and items that were nothing but a template are gone, others lose it; what runs fill in stays."""
    names: set[str] = set()
    given = {"a": "{{ x }}", "b": ["{{ y.z }}", "t-{{ y.z }}"], "c": "{{ ctx.flow_run.id }}", "d": 1}
    assert without_leftovers(given, names) == {"b": ["t-"], "c": "{{ ctx.flow_run.id }}", "d": 1}
    assert names == {"x", "y.z"}


def test_flows_are_found_without_importing(tmp_path: Path) -> None:
    """However they are decorated; not in environments, hidden folders and files that are no Python."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_text(
        "raise SystemExit\n@flow\ndef one(): ...\n@f.flow(name='x')\nasync def two(): ...\ndef no(): ...\n"
    )
    (tmp_path / "bad.py").write_text("def (")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / "env" / "b.py").write_text("@flow\ndef hidden(): ...\n")
    assert flows_in(tmp_path) == ["sub/a.py:one", "sub/a.py:two"]


def test_a_deployment_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a new file, or at the end of one, whose text stays; not where it would end up in something else."""
    monkeypatch.chdir(tmp_path)
    entry = Options(name="x", entrypoint="f.py:f", pool="p", schedules=[{"cron": "* * * * *"}], parameters={"a": [1]}).over(Entry({}))
    assert save(entry, None) == Path("flowhand.yaml")
    assert read_file(Path("flowhand.yaml")).entries[0].given == entry.given
    for indent in ("", "  "):
        text = f"# mine\ndeployments:\n{indent}- name: first # one\n{indent}  tags: [a]\n"
        path = Path("prefect.yaml")
        path.write_text(text)
        assert save(entry, path) == path
        assert path.read_text().startswith(text)
        assert [one.name for one in read_file(path).entries] == ["first", "x"]
    path.write_text("deployments:\n- name: first\nname: last\n")
    assert save(entry, path) is None


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_make_files_that_can_be_read(tmp_path: Path, recipe: str) -> None:
    """Nothing stays to be filled in but what steps put out."""
    fields = {**known_fields(tmp_path), **dict.fromkeys(RECIPES[recipe].fields, "a: b")}
    assert missing_fields(recipe, fields) == {}
    text = project_text('my "project"', recipe, fields)
    file = reading(tmp_path / "x.yaml", text)
    assert (yaml.safe_load(text)["name"], file.entries[0].name) == ('my "project"', "default")
    assert "$" not in text
    assert bool(file.sections["build"]) == recipe.startswith("docker")


def test_a_recipe_that_lacks_something(tmp_path: Path) -> None:
    """It says what; an unknown one says which there are."""
    assert missing_fields("s3", {}) == {"bucket": "the bucket that code is kept in"}
    with pytest.raises(ConfigurationError, match="there are local, git, s3"):
        missing_fields("nope", {})
