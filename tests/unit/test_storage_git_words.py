"""Git's addresses, names, credentials and words, without git."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowhand_storage.errors import (
    AccessDenied,
    FetchFailed,
    InvalidSource,
    RevisionNotFound,
    SourceNotFound,
    SourceUnavailable,
    StorageError,
)
from flowhand_storage.git.address import Login, parse_address
from flowhand_storage.git.command import GitFailed
from flowhand_storage.git.credentials import Header, SshKey, credentials_for, user_for_token
from flowhand_storage.git.failures import explain, is_local
from flowhand_storage.git.refs import check_commit, check_directory, check_ref
from flowhand_storage.git.submodules import absolute_url
from support.storage_blocks import Hidden, SecretBlock, TokenBlock

GITHUB = "https://github.com/org/repo.git"


@pytest.mark.parametrize(
    ("text", "url", "scheme", "origin", "name"),
    [
        (GITHUB, GITHUB, "https", "https://github.com", "repo"),
        ("HTTPS://GitHub.com:8443/org/Repo", "https://github.com:8443/org/Repo", "https", "https://github.com:8443", "Repo"),
        ("https://ada:word@host/org/repo/", "https://host/org/repo/", "https", "https://host", "repo"),
        ("https://[::1]:80/repo", "https://[::1]:80/repo", "https", "https://[::1]:80", "repo"),
        ("git+https://host/repo.git", "https://host/repo.git", "https", "https://host", "repo"),
        ("ssh://git@host:22/~ada/repo.git", "ssh://git@host:22/~ada/repo.git", "ssh", "ssh://host:22", "repo"),
        ("git@host:org/repo.git", "git@host:org/repo.git", "ssh", "ssh://host", "repo"),
        ("host:repo", "host:repo", "ssh", "ssh://host", "repo"),
        ("git://host/repo", "git://host/repo", "git", "git://host", "repo"),
        ("file:///srv/a%20b.git", "/srv/a b.git", "file", "", "a b"),
        ("/srv/repo.git", "/srv/repo.git", "file", "", "repo"),
        ("./repo", str(Path.cwd() / "repo"), "file", "", "repo"),
    ],
)
def test_addresses(text: str, url: str, scheme: str, origin: str, name: str) -> None:
    """The forms that git knows, each with what is used of it."""
    address, _ = parse_address(text)
    assert (address.url, address.scheme, address.origin, address.name) == (url, scheme, origin, name)


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("https://ada:w%40rd@host/r", Login("ada", "w@rd")),
        ("https://t0ken@host/r", Login("", "t0ken")),
        ("https://:w0rd@host/r", Login("", "w0rd")),
        ("https://host/r", None),
        ("ssh://git@host/r", None),
    ],
)
def test_logins_in_addresses(text: str, login: Login | None) -> None:
    """User and password are decoded; a text alone is a token."""
    assert parse_address(text)[1] == login


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-x",
        "ext::sh -c id",
        "fd::7",
        "a b",
        "http://",
        "https://host",
        "https://host/",
        "ftp://host/repo",
        "https://host/repo?x=1",
        "https://host/repo#x",
        "https://ho st/repo",
        "https://-host/repo",
        "https://host/re%0apo",
        "https://host:port/repo",
        "https://us:pa/ss@host/repo",
        "ssh://ada:w0rd@host/repo",
        "ssh://-oProxyCommand=id@host/repo",
        "ssh://host/-repo",
        "-oProxyCommand=id:repo",
        "host:-repo",
        "file://other/repo",
        "~nobody-by-this-name/repo",
    ],
)
def test_addresses_that_are_refused(text: str) -> None:
    """Other protocols, options, and what could be read in two ways."""
    with pytest.raises(InvalidSource) as caught:
        parse_address(text)
    assert "pa/ss" not in str(caught.value)
    assert "w0rd" not in str(caught.value)


@pytest.mark.parametrize("name", ["main", "feature/x", "v1.0", "refs/heads/main", "a-b_c", "ünïcode", "@x", "1"])
def test_refs(name: str) -> None:
    """Names that git allows pass as they are."""
    assert check_ref(name) == name


@pytest.mark.parametrize(
    "name", ["", "-b", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "[a", "a\\", "a.lock", "/a", "a/", "a//b", ".a", "@", "a@{1}"]
)
def test_refs_that_are_refused(name: str) -> None:
    """Options, ranges and everything that git itself forbids."""
    with pytest.raises(InvalidSource):
        check_ref(name)


def test_commits() -> None:
    """Seven digits or more, in lower case."""
    assert check_commit("ABCDEF0") == "abcdef0"
    for wrong in ("abcdef", "main", "g" * 40, "a" * 65, "-abcdef0"):
        with pytest.raises(InvalidSource):
            check_commit(wrong)


def test_directories() -> None:
    """Folders inside the repository, without patterns."""
    assert check_directory("flows/daily/") == "flows/daily"
    for wrong in ("", "/", "/etc", "../x", "a/../b", "a//b", "./a", "*", "a\nb", '"a"', ".git", "-a", "!a"):
        with pytest.raises(InvalidSource):
            check_directory(wrong)


@pytest.mark.parametrize(
    ("host", "token", "user"),
    [
        ("github.com", "ghp_1234", "x-access-token"),
        ("gitlab.com", "1234", "oauth2"),
        ("gitlab.example.org", "1234", "oauth2"),
        ("code.example.org", "glpat-1234", "oauth2"),
        ("bitbucket.org", "1234", "x-token-auth"),
        ("bitbucket.org", "ATCTT3x", "x-token-auth"),
        ("bitbucket.org", "ATATT3x", "x-bitbucket-api-token-auth"),
        ("git.example.org", "1234", "x-access-token"),
    ],
)
def test_the_user_name_beside_a_token(host: str, token: str, user: str) -> None:
    """Every host wants another one."""
    assert user_for_token(host, token) == user


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ({}, None),
        ("t0ken", Login("x-access-token", "t0ken")),
        ({"access_token": "t0ken"}, Login("x-access-token", "t0ken")),
        ({"access_token": SecretBlock("t0ken")}, Login("x-access-token", "t0ken")),
        ({"token": Hidden("t0ken"), "_block_type_slug": "x"}, Login("x-access-token", "t0ken")),
        (SecretBlock("t0ken"), Login("x-access-token", "t0ken")),
        (SecretBlock({"access_token": "t0ken"}), Login("x-access-token", "t0ken")),
        (TokenBlock(Hidden("t0ken")), Login("x-access-token", "t0ken")),
        ({"username": "ada", "password": "w"}, Login("ada", "w")),
        ({"username": "ada", "token": "t"}, Login("ada", "t")),
        ({"token": "ada:t"}, Login("ada", "t")),
        ({"header": "Authorization: Bearer x"}, Header("Authorization: Bearer x")),
        ({"header": "Bearer x"}, Header("Authorization: Bearer x")),
    ],
)
def test_credentials(given: Any, expected: Any) -> None:
    """Texts, mappings, secrets and blocks."""
    assert credentials_for(parse_address(GITHUB)[0], given) == expected


def test_credentials_over_ssh() -> None:
    """A key, as text or as a path."""
    address = parse_address("git@host:repo")[0]
    assert credentials_for(address, {"private_key": "KEY"}) == SshKey("KEY", None)
    assert credentials_for(address, {"ssh_key_path": "/k", "passphrase": "p"}) == SshKey(None, Path("/k"), "p")


def test_given_credentials_win_over_those_of_the_address() -> None:
    """What is said apart counts; a folder needs none."""
    address, login = parse_address("https://old@github.com/org/repo")
    assert credentials_for(address, "new", login) == Login("x-access-token", "new")
    assert credentials_for(address, None, login) == Login("x-access-token", "old")
    assert credentials_for(parse_address("/srv/repo")[0], "t0ken") is None


@pytest.mark.parametrize("given", [{"username": "ada"}, {"nonsense": "x"}, 5, {"token": "two\nlines"}, {"header": "A: b\r\nC: d"}])
def test_credentials_that_say_too_little(given: Any) -> None:
    """No value is quoted."""
    with pytest.raises(InvalidSource) as caught:
        credentials_for(parse_address(GITHUB)[0], given)
    assert "lines" not in str(caught.value)


def test_credentials_do_not_show() -> None:
    """Not even a debugger's list of variables prints them."""
    for secret in (Login("a", "w0rd"), Header("w0rd"), SshKey("w0rd", None)):
        assert "w0rd" not in repr(secret)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("fatal: Authentication failed for 'https://host/'", AccessDenied),
        ("fatal: unable to access 'https://host/': The requested URL returned error: 403", AccessDenied),
        ("git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.", AccessDenied),
        ("remote: Repository not found.\nfatal: repository 'https://host/' not found", SourceNotFound),
        ("fatal: '/x' does not appear to be a git repository", SourceNotFound),
        ("fatal: couldn't find remote ref refs/heads/x", RevisionNotFound),
        ("fatal: remote error: upload-pack: not our ref 111", RevisionNotFound),
        ("fatal: unable to access 'https://host/': Could not resolve host: host", SourceUnavailable),
        ("fatal: unable to access 'https://host/': The requested URL returned error: 502", SourceUnavailable),
        ("error: RPC failed; curl 18 transfer closed\nfatal: early EOF", SourceUnavailable),
        ("fatal: transport 'file' not allowed", InvalidSource),
        ("fatal: not a git repository: '/x'", FetchFailed),
        ("error: Unable to create '/x/shallow.lock': File exists.", FetchFailed),
        ("something else", FetchFailed),
    ],
)
def test_what_git_means(words: str, kind: type[StorageError]) -> None:
    """Its words become the error that says what to do."""
    failure = GitFailed(words)
    assert type(explain(failure, parse_address(GITHUB)[0])) is kind
    assert is_local(failure) is (kind is FetchFailed)


def test_a_full_disk_is_not_mended_by_fetching_again() -> None:
    """Where there is no room, a mirror made anew will not help."""
    assert not is_local(GitFailed("fatal: write error: No space left on device"))


@pytest.mark.parametrize(
    ("parent", "url", "expected"),
    [
        ("https://host/org/repo.git", "../lib.git", "https://host/org/lib.git"),
        ("https://host/org/repo.git", "../../other/lib", "https://host/other/lib"),
        ("https://host/org/repo.git", "./lib", "https://host/org/repo.git/lib"),
        ("ssh://git@host:22/org/repo", "../lib", "ssh://git@host:22/org/lib"),
        ("git@host:org/repo.git", "../lib.git", "git@host:org/lib.git"),
        ("/srv/org/repo.git", "../lib.git", "/srv/org/lib.git"),
        ("https://host/org/repo.git", "https://other/lib", "https://other/lib"),
        ("https://host/r", "../../../../x", "https://host/x"),
    ],
)
def test_addresses_of_submodules(parent: str, url: str, expected: str) -> None:
    """Relative ones count from the repository that they stand in, and never leave its host."""
    assert absolute_url(parse_address(parent)[0], url) == expected
