"""The environment in which git is run for one address: nobody is prompted, no hook runs, no other protocol, and secrets only in there."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flowhand_storage.git.address import SCHEMES, Address, Login
from flowhand_storage.git.askpass import ask_for_login, ask_for_passphrase
from flowhand_storage.git.command import Git
from flowhand_storage.git.credentials import Credentials, Header, SshKey, secrets_of
from flowhand_storage.scrub import Scrubber

# What a user or an administrator sets to reach a host at all. Every other GIT_ variable is dropped: most would redirect git to another
# repository, and the trace ones print what was sent.
_KEPT = frozenset({
    "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH", "GIT_PROXY_COMMAND",
    "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSL_NO_VERIFY",
})  # fmt: skip

_CONFIG = {
    "advice.detachedHead": "false",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "credential.useHttpPath": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",
    "gc.auto": "0",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
}


@contextmanager
def git_session(
    address: Address, credentials: Credentials | None, folder: Path, *, environ: Mapping[str, str], timeout: float
) -> Generator[Git]:
    """A `Git` for `address`, usable until the block is left; `folder` takes what must be a file. `timeout`: seconds for one command."""
    config = dict(_CONFIG)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".session-") as private:
        extra = _showing(address, credentials, folder, Path(private), config)
        scrub = Scrubber(secrets_of(credentials))
        yield Git(_environment(address, environ, folder) | extra | _as_environment(config), scrub, timeout=timeout)


def _environment(address: Address, environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_") or name in _KEPT}
    # A repository from elsewhere must not make git read this machine's files (CVE-2022-39253): `file` is for addresses of this machine.
    protocols = SCHEMES if address.scheme == "file" else SCHEMES - {"file"}
    kept |= {
        "GIT_ALLOW_PROTOCOL": ":".join(sorted(protocols)),
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "C",
        # With no terminal to ask on, ssh fails at once where it would wait for an answer (ssh(1), OpenSSH 8.4).
        "SSH_ASKPASS_REQUIRE": "force",
        "SSH_ASKPASS": "/bin/false",
    }
    return kept


def _showing(address: Address, credentials: Credentials | None, folder: Path, private: Path, config: dict[str, str]) -> dict[str, str]:
    """The variables, and through `config` the settings, by which git shows `credentials`."""
    if credentials is None:
        return {}
    # An empty helper empties the list: no helper of the user's is told of our secret, and none answers in our place.
    config["credential.helper"] = ""
    match credentials:
        case Login():
            return ask_for_login(address, credentials, folder)
        case Header(line=line):
            config[f"http.{address.origin}/.extraHeader"] = line
            # git sends extra headers to where it was redirected, too.
            config["http.followRedirects"] = "false"
            return {}
        case SshKey():
            return _ssh(credentials, folder, private)


def _ssh(key: SshKey, folder: Path, private: Path) -> dict[str, str]:
    path = key.path or private / "key"
    if key.text is not None:
        path.touch(mode=0o600)
        path.write_text(key.text.strip() + "\n")
    options = ["ssh", "-i", str(path), "-o", "IdentitiesOnly=yes", "-o", "PasswordAuthentication=no"]
    if key.known_hosts is not None:
        (private / "known_hosts").write_text(key.known_hosts.strip() + "\n")
        options += ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={private / 'known_hosts'}"]
    command = {"GIT_SSH_COMMAND": shlex.join(options), "GIT_SSH_VARIANT": "ssh"}
    return command | (ask_for_passphrase(path, key.passphrase, folder) if key.passphrase else {})


def _as_environment(config: Mapping[str, str]) -> dict[str, str]:
    """Settings as git-config(1) reads them from GIT_CONFIG_COUNT and its fellows, where no other user of the machine sees them."""
    variables = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (name, value) in enumerate(config.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables
