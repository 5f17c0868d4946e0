"""Scrubbing, ignore rules, and errors of others made ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowhand_storage.errors import AccessDenied, FetchFailed, InvalidSource, MissingTool, SourceNotFound, SourceUnavailable, StorageError
from flowhand_storage.guard import guarded
from flowhand_storage.ignore import IgnoreRules, find_rules, kept_files
from flowhand_storage.scrub import Scrubber, is_sensitive, without_credentials
from support.storage_files import write_files


def test_scrubs_every_form_of_a_secret() -> None:
    """Plain, percent-encoded, in Basic authentication, and line by line."""
    scrub = Scrubber(["p@ss/word", "ada:p@ss/word", "first-line-of-key\nsecond-line-of-key"])
    text = "p@ss/word p%40ss%2Fword YWRhOnBAc3Mvd29yZA== first-line-of-key second-line-of-key"
    assert scrub(text) == "*** *** *** *** ***"


def test_scrubs_users_of_addresses() -> None:
    """Whoever stands before the @ of an address, known or not."""
    assert Scrubber()("see https://ada:unknown@host/x and ssh://git@host") == "see https://***@host/x and ssh://***@host"


def test_short_secrets_are_left_alone() -> None:
    """A secret of three characters is part of too many words."""
    assert Scrubber(["abc"])("abcdef") == "abcdef"


def test_addresses_for_people() -> None:
    """Neither user nor query."""
    assert without_credentials("https://a:b/c@host/x?sig=1") == "https://***@host/x?***"
    assert without_credentials("is it? yes@no") == "is it? yes@no"


SENSITIVE = """
password access_token aws_secret_access_key API_KEY key sas_token sig connection_string X-Api-Key apiKey AccountKey GH_PAT DB_PWD
"""


@pytest.mark.parametrize("name", SENSITIVE.split())
def test_names_of_secrets(name: str) -> None:
    """What an option's name tells."""
    assert is_sensitive(name)


HARMLESS = """
repository branch directory url keyboard username bucket signal PATH PWD OLDPWD monkey
"""


@pytest.mark.parametrize("name", HARMLESS.split())
def test_names_of_no_secrets(name: str) -> None:
    """What it does not tell."""
    assert not is_sensitive(name)


class ClientConnectorError(Exception):
    """As a back end would name it."""


class NoCredentialsError(Exception):
    """As a back end would name it."""


class Answer(Exception):
    """An HTTP answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"answered {status}")
        self.status = status


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotFoundError("x"), SourceNotFound),
        (PermissionError("x"), AccessDenied),
        (NoCredentialsError("x"), AccessDenied),
        (Answer(401), AccessDenied),
        (Answer(404), SourceNotFound),
        (Answer(503), SourceUnavailable),
        (ConnectionRefusedError("x"), SourceUnavailable),
        (TimeoutError(), SourceUnavailable),
        (ClientConnectorError("x"), SourceUnavailable),
        (ModuleNotFoundError("x"), MissingTool),
        (TypeError("connect() got an unexpected keyword"), FetchFailed),
        (RuntimeError("x"), FetchFailed),
        (InvalidSource("ours"), InvalidSource),
    ],
)
def test_errors_of_others(error: Exception, kind: type[StorageError]) -> None:
    """What they mean decides; ours pass as they are; nothing is chained, and no secret quoted."""

    def fail() -> None:
        error.args = tuple(f"{argument} with s3cret-word" for argument in error.args)
        raise error

    with pytest.raises(kind) as caught:
        guarded("s3://bucket", Scrubber(["s3cret-word"]), fail)
    if error is not caught.value:
        assert str(caught.value).startswith("s3://bucket: ")
        assert "s3cret-word" not in str(caught.value)
        assert caught.value.__context__ is None


def test_not_found_for_another_reason() -> None:
    """Some back ends say "not found" for everything; the reason is what they chain."""

    def fail() -> None:
        raise FileNotFoundError("x") from ClientConnectorError("no way there")

    with pytest.raises(SourceUnavailable, match="no way there"):
        guarded("http://host", Scrubber(), fail)


RULES = """
# a comment
*.log
!keep.log
/top.txt
build/
deep/**/cache
\\#literal
trailing\\ \nöffnung/*
"""


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        ("a.log", True),
        ("x/a.log", True),
        ("keep.log", False),
        ("top.txt", True),
        ("x/top.txt", False),
        ("build/x", True),
        ("x/build/y", True),
        ("build", False),
        ("deep/a/b/cache/x", True),
        ("deep/cache", True),
        ("#literal", True),
        ("flow.py", False),
        ("öffnung/x", True),
    ],
)
def test_ignore_rules(name: str, ignored: bool) -> None:
    """As gitignore(5) has it."""
    assert IgnoreRules(RULES).ignores(name) is ignored


def test_which_ignore_file_counts(tmp_path: Path) -> None:
    """One given explicitly, else ours, else Prefect's, else none."""
    write_files(tmp_path, {"a": "", "b": "", "c": "", "mine": "c\nmine\n.*\n"})
    assert list(kept_files(tmp_path, find_rules(tmp_path))) == ["a", "b", "c", "mine"]
    (tmp_path / ".prefectignore").write_text("a\n.*\nmine\n")
    assert list(kept_files(tmp_path, find_rules(tmp_path))) == ["b", "c"]
    (tmp_path / ".flowhandignore").write_text("b\n.*\nmine\n")
    assert list(kept_files(tmp_path, find_rules(tmp_path))) == ["a", "c"]
    assert list(kept_files(tmp_path, find_rules(tmp_path, tmp_path / "mine"))) == ["a", "b"]


def test_ignored_folders_are_not_entered(tmp_path: Path) -> None:
    """A folder left out stays out whole; links are files, also when they lead to folders."""
    write_files(tmp_path, {"data/x": "", "src/y": "", ".flowhandignore": "data/\n"})
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert list(kept_files(tmp_path, find_rules(tmp_path))) == [".flowhandignore", "link", "src/y"]


@pytest.mark.parametrize("line", ["!", "\\", "[z-a]"])
def test_an_ignore_file_with_a_mistake(tmp_path: Path, line: str) -> None:
    """Told with the file and the line."""
    (tmp_path / ".flowhandignore").write_text(f"fine\n{line}\n")
    with pytest.raises(InvalidSource, match=r"\.flowhandignore, line 2"):
        find_rules(tmp_path)


def test_an_ignore_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, or no text."""
    with pytest.raises(InvalidSource, match="nowhere"):
        find_rules(tmp_path, tmp_path / "nowhere")
    (tmp_path / ".flowhandignore").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSource, match="cannot be read"):
        find_rules(tmp_path)
