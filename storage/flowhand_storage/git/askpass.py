"""How git and ssh get a secret: they ask a helper program (gitcredentials(7), GIT_ASKPASS), which reads it from their own environment.

The helper answers for one origin and no other: a redirect or a submodule elsewhere gets nothing.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from flowhand_storage.git.address import Address, Login

_PROGRAM = """\
#!/bin/sh
case "$1" in
"Username for '$FLOWHAND_ASKPASS_SCHEME://$FLOWHAND_ASKPASS_HOST': ") printf '%s\\n' "$FLOWHAND_ASKPASS_USERNAME" ;;
"Password for '$FLOWHAND_ASKPASS_SCHEME://"*"@$FLOWHAND_ASKPASS_HOST': ") printf '%s\\n' "$FLOWHAND_ASKPASS_SECRET" ;;
"Enter passphrase for key '$FLOWHAND_ASKPASS_KEY': ") printf '%s\\n' "$FLOWHAND_ASKPASS_SECRET" ;;
*) exit 1 ;;
esac
"""


def ask_for_login(address: Address, login: Login, folder: Path) -> dict[str, str]:
    """The environment in which git is answered for `address`; the helper is put into `folder`."""
    scheme, _, host = address.origin.partition("://")
    return {
        "GIT_ASKPASS": str(_helper(folder)),
        "FLOWHAND_ASKPASS_SCHEME": scheme,
        "FLOWHAND_ASKPASS_HOST": host,
        "FLOWHAND_ASKPASS_USERNAME": login.username,
        "FLOWHAND_ASKPASS_SECRET": login.password,
    }


def ask_for_passphrase(key: Path, passphrase: str, folder: Path) -> dict[str, str]:
    """The environment in which ssh is answered for the key at `key` (ssh(1), SSH_ASKPASS_REQUIRE, OpenSSH 8.4)."""
    return {
        "SSH_ASKPASS": str(_helper(folder)),
        "SSH_ASKPASS_REQUIRE": "force",
        "FLOWHAND_ASKPASS_KEY": str(key),
        "FLOWHAND_ASKPASS_SECRET": passphrase,
    }


def _helper(folder: Path) -> Path:
    """The program, written when it is not there yet. It holds no secret."""
    path = folder / "askpass"
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=folder, prefix=".askpass-")
        with os.fdopen(descriptor, "w") as file:
            file.write(_PROGRAM)
            os.fchmod(descriptor, 0o700)
        Path(draft).replace(path)
    return path
