"""Where the API is, and to whom credentials go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowhand.client.address import configured_address
from flowhand.client.published import published_server
from flowhand.errors import ConfigurationError
from flowhand.incarnation import incarnation
from flowhand.settings import Settings


def settings(home: Path, **values: str) -> Settings:
    return Settings(home=home, **values)


def publish(home: Path, url: str, pid: int, **more: str) -> None:
    directory = home / "server"
    directory.mkdir(exist_ok=True)
    (directory / "server.json").write_text(json.dumps({"url": url, "pid": pid, "version": "1", "server_id": "s", **more}))
    (directory / "token").write_text("t0ken\n")


def test_no_url_means_no_configured_api(tmp_path: Path) -> None:
    """Without an address the embedded server is meant."""
    assert configured_address(settings(tmp_path)) is None


def test_key_and_auth_string(tmp_path: Path) -> None:
    """A key is a bearer token, an auth string Basic authentication (contract 1.1)."""
    url = "https://h/api"
    assert configured_address(settings(tmp_path, api_url=url, api_key="k")).authorization == "Bearer k"  # type: ignore[union-attr]
    basic = configured_address(settings(tmp_path, api_url=url, api_auth_string="u:p"))
    assert basic.authorization == "Basic dTpw"  # type: ignore[union-attr]


def test_credentials_in_the_url_are_taken_out(tmp_path: Path) -> None:
    """A password in the address becomes a header; no message that names the URL can show it."""
    address = configured_address(settings(tmp_path, api_url="http://u:p@h:1/api"))
    assert address is not None
    assert (address.url, address.authorization) == ("http://h:1/api", "Basic dTpw")
    assert "dTpw" not in repr(address)


def test_the_token_goes_to_the_server_of_this_home_only(tmp_path: Path) -> None:
    """The token of this home goes to the very loopback port that its server published, and nowhere else."""
    publish(tmp_path, "http://127.0.0.1:4242/api", os.getpid())
    sent = {
        url: configured_address(settings(tmp_path, api_url=url)).authorization  # type: ignore[union-attr]
        for url in ("http://127.0.0.1:4242/api", "http://localhost:4242/api", "http://127.0.0.1:4243/api", "http://evil:4242/api")
    }
    assert list(sent.values()) == ["Bearer t0ken", "Bearer t0ken", None, None]


def test_a_dead_server_is_not_published(tmp_path: Path) -> None:
    """What a process that is gone published counts for nothing: its port may be another user's by now."""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    publish(tmp_path, "http://127.0.0.1:4242/api", child.pid)
    assert published_server(tmp_path) is None, "it has ended, but nobody has waited for it"
    child.wait()
    assert published_server(tmp_path) is None, "it is gone"


def test_a_pid_that_came_again_is_not_the_server(tmp_path: Path) -> None:
    """In a container that was restarted another process, perhaps the one that asks, has the pid that the server had."""
    mine = incarnation(os.getpid())
    assert mine is not None
    publish(tmp_path, "http://127.0.0.1:4242/api", os.getpid(), incarnation=mine)
    assert published_server(tmp_path) is not None
    publish(tmp_path, "http://127.0.0.1:4242/api", os.getpid(), incarnation=f"{mine}0")
    assert published_server(tmp_path) is None


def test_without_proc_whoever_has_the_pid_is_believed(tmp_path: Path) -> None:
    """Hardened containers hide /proc: a server is found there all the same, and one that is gone is not."""
    hide = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "-"]
    if subprocess.run([*hide, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this host lets nobody hide /proc")
    look = "import sys; from pathlib import Path; from flowhand.client.published import published_server as p; print(p(Path(sys.argv[1])))"
    found: list[str] = []
    gone = subprocess.Popen(["true"])
    gone.wait()
    for pid in (os.getpid(), gone.pid):
        publish(tmp_path, "http://127.0.0.1:4242/api", pid, incarnation="boot.1")
        found.append(subprocess.run([*hide, sys.executable, "-c", look, str(tmp_path)], capture_output=True, check=True, text=True).stdout)
    assert "127.0.0.1:4242" in found[0]
    assert found[1] == "None\n"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"url": 5, "pid": "x"}', "\x00"])
def test_a_torn_publication_counts_for_nothing(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, reading it does not fail."""
    publish(tmp_path, "x", 1)
    (tmp_path / "server" / "server.json").write_text(text)
    assert published_server(tmp_path) is None


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://h:99999/api"])
def test_a_url_that_is_none_is_told(tmp_path: Path, url: str) -> None:
    """A malformed address is a configuration error, not a traceback."""
    with pytest.raises(ConfigurationError, match="FLOWHAND_API_URL"):
        configured_address(settings(tmp_path, api_url=url))


def test_a_key_that_no_header_can_carry_is_told_without_showing_it(tmp_path: Path) -> None:
    """A key with a line end is refused before a library could print it in its own error."""
    with pytest.raises(ConfigurationError, match="FLOWHAND_API_KEY") as caught:
        configured_address(settings(tmp_path, api_url="http://h/api", api_key="abc\ndef"))
    assert "abc" not in str(caught.value)
