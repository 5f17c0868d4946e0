"""A wheel of the flowhand that runs here, however it came here: what runs in the image is what deployed it.

Made by hand (binary distribution format 1.0): an installation has no source to build from, and a build would fetch its tools.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKAGES: Final = ("flowhand", "flowhand_storage", "flowhand_server")
_OF_THE_INSTALLER: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Of every file: the same code makes the same wheel, which the engine's cache knows again."""


def wheel() -> tuple[str, bytes]:
    """The wheel's file name and content. PackageNotFoundError where flowhand was never installed."""
    installed = distribution("flowhand")
    files = dict(_files(installed))
    about = f"flowhand-{installed.version}.dist-info"
    record = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    files[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,", ""]).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return f"flowhand-{installed.version}-py3-none-any.whl", out.getvalue()


def is_editable() -> bool:
    """Whether what runs here is somebody's checkout, which no image of its version need be equal to (PEP 610)."""
    origin = json.loads(distribution("flowhand").read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def _files(installed: Distribution) -> Iterator[tuple[str, bytes]]:
    for package in PACKAGES:
        spec = find_spec(package)
        assert spec is not None, package
        root = Path(next(iter(spec.submodule_search_locations or ())))
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{package}/{path.relative_to(root).as_posix()}", path.read_bytes()
    about = f"flowhand-{installed.version}.dist-info"
    for file in sorted(installed.files or (), key=str):
        if file.parts[0] == about and file.name not in _OF_THE_INSTALLER and not file.name.startswith("uv_"):
            yield file.as_posix(), file.read_binary()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
