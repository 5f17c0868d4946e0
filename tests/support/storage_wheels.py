"""A folder of packages, made on the spot, so that nothing is fetched from a registry."""

from __future__ import annotations

import zipfile
from pathlib import Path


def make_wheel(folder: Path, name: str, version: str = "1.0", text: str = "value = 1\n") -> Path:
    """A wheel with one module of the package's name (binary distribution format 1.0)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": text,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, content in (files | {f"{about}/RECORD": record}).items():
            wheel.writestr(file, content)
    return path


def offline(wheels: Path) -> dict[str, str]:
    """The environment in which uv and pip find packages in `wheels` and nowhere else."""
    return {"UV_OFFLINE": "1", "UV_FIND_LINKS": str(wheels), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
