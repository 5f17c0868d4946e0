"""Whatever comes from outside: nothing escapes its folder, no credential gets into an error, no error but the package's own comes out."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import tempfile
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flowhand_storage import create_storage_from_source
from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.errors import InvalidSource, InvalidStep, StepError, StorageError, UnsafePath
from flowhand_storage.git.address import SCHEMES, parse_address
from flowhand_storage.git.refs import check_commit, check_directory, check_ref
from flowhand_storage.git.source import GitSource
from flowhand_storage.git.submodules import absolute_url
from flowhand_storage.ignore import IgnoreRules
from flowhand_storage.paths import inside, label
from flowhand_storage.remote.address import parse_remote
from flowhand_storage.remote.archive import unpack
from flowhand_storage.scrub import Scrubber
from flowhand_storage.steps.definition import read_steps
from flowhand_storage.steps.known import KNOWN
from flowhand_storage.steps.progress import Progress, StepContext, StepRun
from flowhand_storage.steps.run import run_steps
from flowhand_storage.steps.templates import filled

T = TypeVar("T")

# Put together here, so that a traceback, which quotes lines, holds it only when an error does.
SECRET = "".join(["xK7", "s3cretQ9z"])
quick = settings(max_examples=150, deadline=None)

odd = st.text(alphabet="aZ0-._~:/?#[]@!$&'()*+,;=%\\ \t\n\0|`{}<>\"^é\ud800", max_size=12)
word = st.text(alphabet="abz09.-", min_size=1, max_size=8)
password = st.builds(lambda before, after: before + SECRET + after, odd, odd)
scheme = st.sampled_from([*sorted(SCHEMES), "git+https", "git+ssh", "ext", "fd", "HTTPS", "s3", "sftp", "ftp", "smb", "zip", "memory", ""])


def told(act: Callable[[], T], kind: type[Exception] = StorageError) -> T | None:
    """What `act` returns, or None when it raised an error of `kind`; that error may say everything but the secret."""
    try:
        return act()
    except kind as error:
        caught = error
    text = "".join(traceback.format_exception(caught)) + repr(caught) + repr(vars(caught))
    assert SECRET not in text
    assert "\n" not in str(caught)
    return None


# --- addresses and refs -------------------------------------------------------------------------------------------------------------


@quick
@given(st.one_of(odd, st.builds(lambda s, a, b: f"{s}://{a}/{b}", scheme, odd, odd), st.builds("{}@{}:{}".format, word, word, odd)))
@example("ext::sh -c id")
@example("ssh://-oProxyCommand=id/x")
@example("-oProxyCommand=id:x")
@example("--upload-pack=id")
@example("https://h/a%0ab")
@example("git+file:///x")
def test_git_addresses(text: str) -> None:
    """What is let through can be read by git as an address and as nothing else."""
    parsed = told(lambda: parse_address(text), InvalidSource)
    if parsed is not None:
        address, _ = parsed
        assert address.scheme in SCHEMES
        assert not address.url.startswith("-")
        assert not re.match(r"[A-Za-z0-9+.-]*::", address.url)
        assert not any(ord(character) < 33 for character in address.url)
        assert not address.host.startswith("-")


@quick
@given(scheme, st.one_of(st.just(""), odd), password, word, odd)
@example("https", "user", "a/b" + SECRET, "host", "x")
@example("https", "", "a/" + SECRET + "/", "host", "x")
@example("https", "user", SECRET + "?", "host", "x")
@example("ssh", "user", SECRET, "host", "x")
def test_passwords_in_git_addresses(kind: str, user: str, secret: str, host: str, path: str) -> None:
    """However a password is put into an address, it is no part of the address that is used, of an identity, or of an error."""
    texts = [f"{kind}://{user}:{secret}@{host}/{path}"]
    if not kind.endswith("ssh"):  # there it is a user's name, and no secret
        texts.append(f"{kind}://{secret}@{host}/{path}")
    for text in texts:
        parsed = told(lambda text=text: parse_address(text), InvalidSource)
        if parsed is not None and parsed[0].scheme != "file":
            assert SECRET not in parsed[0].url + parsed[0].origin + repr(parsed)
            source = told(lambda text=text: GitSource(text))
            assert source is None or SECRET not in source.identity + source.label + repr(source)


@quick
@given(st.sampled_from(["sftp", "ftp", "smb", "http", "https", "webdav"]), odd, password, word, odd)
@example("https", "user", "a/b" + SECRET, "host", "x")
@example("sftp", "user", SECRET + "#", "host", "x")
def test_passwords_in_remote_addresses(kind: str, user: str, secret: str, host: str, path: str) -> None:
    """The same for what fsspec reads."""
    address = told(lambda: parse_remote(f"{kind}://{user}:{secret}@{host}/{path}", {}), InvalidSource)
    if address is not None:
        assert SECRET not in address.url + address.shown + address.identity + address.whole + repr(address)


@quick
@given(st.one_of(odd, st.builds("{}://{}/{}".format, scheme, odd, odd), st.builds("zip://{}::{}://{}".format, odd, scheme, odd)))
def test_any_source(text: str) -> None:
    """A text names a source or is refused; nothing is asked of anybody."""
    told(lambda: create_storage_from_source(text), InvalidSource)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab/.-~^:?*[\\@{} \t\0lock#!é", max_size=12))
@example("-b")
@example("a..b")
@example("a.lock")
@example("a@{1}")
def test_refs(name: str) -> None:
    """What is let through is a branch's name to git as well, and no option."""
    ref = told(lambda: check_ref(name), InvalidSource)
    if ref is not None:
        assert not ref.startswith("-")
        assert subprocess.run(["git", "check-ref-format", f"refs/heads/{ref}"], check=False).returncode == 0


@quick
@given(odd, odd)
def test_commits_and_directories(commit: str, directory: str) -> None:
    """Commits are hexadecimal; directories stay inside the repository."""
    sha = told(lambda: check_commit(commit), InvalidSource)
    assert sha is None or set(sha) <= set("0123456789abcdef")
    name = told(lambda: check_directory(directory), InvalidSource)
    assert name is None or ("\n" not in name and inside(Path("/base"), name).is_relative_to("/base"))


@quick
@given(st.sampled_from(["https://host/a/b.git", "ssh://git@host:22/a/b", "git@host:a/b.git", "/srv/a/b.git"]), odd)
def test_addresses_of_submodules(parent: str, url: str) -> None:
    """A submodule's address is refused, or is one that a user could have given."""
    address, _ = parse_address(parent)
    for text in (url, "../" + url, "./" + url, "../../../../" + url):
        told(lambda text=text: parse_address(absolute_url(address, text)), InvalidSource)


# --- names, archives, ignore files --------------------------------------------------------------------------------------------------


@quick
@given(st.text(max_size=20))
def test_names_stay_inside(name: str) -> None:
    """A name from outside leads into its folder or nowhere."""
    path = told(lambda: inside(Path("/base/folder"), name), UnsafePath)
    assert path is None or (path.is_relative_to("/base/folder") and ".." not in path.parts and path != Path("/base/folder"))
    assert PurePosixPath(label(name)).name == label(name) != ""


hostile_name = st.one_of(
    st.sampled_from(["../up", "/abs", "a/../../up", "..", ".", "", "a//b", "a/./b", "link", "link/in", "a\\..\\b", "~/x", "a", "a/b"]),
    st.text(alphabet="ab./\\:\0 é", max_size=10),
)
member = st.tuples(
    hostile_name, st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]), st.binary(max_size=20)
)


def tar_of(members: list[tuple[str, bytes, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "../../outside"
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(members: list[tuple[str, bytes, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, kind, content in members:
            info = zipfile.ZipInfo(name or "x")
            info.filename = name
            info.external_attr = (0o120777 if kind == tarfile.SYMTYPE else 0o100644) << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def check_unpacking(data: bytes) -> None:
    """Unpack `data` in a folder of its own; nothing may appear beside the target, and nothing in it may be a link."""
    with tempfile.TemporaryDirectory() as base:
        archive, target = Path(base, "archive"), Path(base, "deep", "target")
        archive.write_bytes(data)
        target.mkdir(parents=True)
        told(lambda: unpack(archive, target, "the archive", Scrubber(), max_size=10_000))
        assert names_in(Path(base)) == ["archive", "deep"]
        assert names_in(target.parent) == ["target"]
        assert all(path.is_file() or path.is_dir() for path in target.rglob("*"))
        assert not any(path.is_symlink() for path in target.rglob("*"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(max_examples=150, deadline=None)
@given(st.lists(member, max_size=4), st.sampled_from([tar_of, zip_of]))
def test_hostile_archives(members: list[tuple[str, bytes, bytes]], make: Callable[[Any], bytes]) -> None:
    """Whatever an archive names, it lands inside or not at all."""
    try:
        data = make(members)
    except (ValueError, UnicodeError):  # a name that cannot even be put into an archive
        return
    check_unpacking(data)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([tar_of, zip_of]), st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=4)), max_size=6))
def test_damaged_archives(make: Callable[[Any], bytes], damage: list[tuple[int, bytes]]) -> None:
    """Bytes changed anywhere give an error of ours or files inside."""
    data = bytearray(make([("flow.py", tarfile.REGTYPE, b"print(1)"), ("deep/part.py", tarfile.REGTYPE, b"x" * 50)]))
    for place, new in damage:
        start = place % len(data)
        data[start : start + len(new)] = new
    check_unpacking(bytes(data))


@quick
@given(st.text(alphabet="ab*?[]!#/\\ -^\n.{}", max_size=30), st.lists(st.text(alphabet="ab./ *", min_size=1, max_size=8), max_size=5))
def test_ignore_files(text: str, names: list[str]) -> None:
    """Any text is rules or is refused by line; rules answer for any name."""
    rules = told(lambda: IgnoreRules(text), InvalidSource)
    if rules is not None:
        assert all(isinstance(rules.ignores(name), bool) for name in names)


# --- steps --------------------------------------------------------------------------------------------------------------------------

text_leaf = st.one_of(odd, st.sampled_from(["{{ a.b }}", "{{ $X }}", "{{ id }}", "../x"]))
leaf = st.one_of(st.none(), st.booleans(), st.integers(), text_leaf)
tree = st.recursive(leaf, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(odd, inner, max_size=3)), max_leaves=8)
fetching = ["git_clone", "set_working_directory", "pull_from_remote_storage", "pull_with_block"]
step_name = st.one_of(st.sampled_from([*KNOWN, "prefect.deployments.steps.git_clone", "a.b.c", "id"]), odd)


@quick
@given(st.one_of(tree, st.lists(st.one_of(tree, st.dictionaries(step_name, tree, max_size=2)), max_size=3)))
def test_step_definitions(steps: Any) -> None:
    """Any data is steps or is refused in one line."""
    told(lambda: read_steps(steps), InvalidStep)


inputs = st.fixed_dictionaries(
    {},
    optional={
        "repository": st.one_of(tree, st.builds("https://u:{}@h/{}".format, password, odd)),
        "url": st.one_of(st.sampled_from(["memory://nowhere", "nonsense://x", f"zip://a::memory://x?sig={SECRET}"]), st.none()),
        "branch": tree,
        "commit_sha": tree,
        "access_token": st.one_of(st.none(), st.just(SECRET), st.builds("x{}\n".format, password)),
        "credentials": st.one_of(tree, st.dictionaries(st.sampled_from(["token", "username", "password", "header", "ssh_key"]), tree)),
        "directories": tree,
        "clone_directory_name": tree,
        "directory": st.one_of(st.none(), st.integers(), st.just("nowhere/at/all")),
        "secret": st.just(SECRET),
        "key": st.just(SECRET),
    },
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(fetching), inputs, st.booleans())
def test_running_hostile_steps(name: str, hostile: dict[str, Any], fitting: bool) -> None:
    """A fetching step with any inputs fails as a step, says nothing secret, and leaves nothing beside its folders."""
    if fitting and name != "pull_from_remote_storage":
        hostile = {key: value for key, value in hostile.items() if key in KNOWN[name].parameters()}
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base, "run")
        folder.mkdir()
        # Without git on PATH no fetch gets as far as the network.
        context = StepContext(folder, CheckoutStore(Path(base, "storage")), environ={"PATH": base})
        told(lambda: run_steps([{name: hostile}], context), StepError)
        assert set(names_in(Path(base))) <= {"run", "storage"}
        assert names_in(folder) == []


@quick
@given(st.text(alphabet="{}$ab.[]0 -/\n", max_size=30))
def test_templates(text: str) -> None:
    """Any text is filled or refused."""
    context = StepContext(Path("/"), CheckoutStore(Path("/nonexistent")), environ={"a": "1"})
    run = StepRun(context, Progress("/", by_id={"a": {"b": [1, {"a": 2}]}}), Scrubber())
    told(lambda: filled({"x": [text]}, run), InvalidStep)


@quick
@given(st.lists(st.text(min_size=4, max_size=20), max_size=4), st.text(max_size=20))
def test_known_secrets_are_gone(secrets: list[str], around: str) -> None:
    """A text of which all secrets are known holds none of them afterwards, unless the mask itself does."""
    scrub = Scrubber(secrets)
    cleaned = scrub(around + around.join(secrets) + around)
    assert not any(secret in cleaned for secret in secrets if not set(secret) & set("*@") and secret not in around)
