"""load_deployments_from_yaml(): the deployments of a file of several documents. Deprecated, as `Deployment` is."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from flowhand.blocks.documents import document_id_of
from flowhand.blocks.storage import LocalFileSystem
from flowhand.deployments.deployment import Deployment
from flowhand.deployments.deployment_yaml import fields_of, made_of, with_blocks
from flowhand.deployments.projects.located import parse_yaml
from flowhand.errors import FlowhandError, ProjectError
from flowhand.sdk.dual import run_plain

_DOCUMENT: Final = re.compile(r"^---(?=\s|$).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that is no deployment: the line that it begins on, and why."""

    line: int
    error: Exception

    def __str__(self) -> str:
        return f"line {self.line}: {self.error}"


@dataclass(slots=True)
class Registry:
    """The deployments of a file, in its order, and the documents that failed."""

    deployments: list[Deployment] = field(default_factory=list[Deployment])
    failures: list[Failure] = field(default_factory=list[Failure])

    def __iter__(self) -> Iterator[Deployment]:
        return iter(self.deployments)

    def __len__(self) -> int:
        return len(self.deployments)

    def get_instances(self, kind: type) -> list[Any]:
        """The deployments, for `Deployment`; nothing else is in a file."""
        return [item for item in self.deployments if isinstance(item, kind)]


def load_deployments_from_yaml(path: str | Path) -> Registry:
    """Reads a file of several documents, each a `Deployment`, and applies none. A document that fails does not stop the others.

    Relative paths count from the file's folder. Blocks with a document name come from the API. ProjectError when the file cannot be read.
    """
    warnings.warn("load_deployments_from_yaml is deprecated; keep deployments in flowhand.yaml", DeprecationWarning, stacklevel=2)
    path = Path(path).absolute()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}") from None
    registry, names = Registry(), dict[str, int]()
    for line, document in _documents(text):
        try:
            made = _deployment(document, path)
            if made.full_name in names:
                raise ValueError(f"deployment {made.full_name!r} stands in line {names[made.full_name]} already")
        except (ValueError, FlowhandError) as error:
            registry.failures.append(Failure(line, error))
        else:
            names[made.full_name] = line
            registry.deployments.append(made)
    return registry


def _documents(text: str) -> Iterator[tuple[int, str]]:
    """The documents with the lines that they begin on, each with as many empty lines before it as keep its lines' numbers."""
    starts = [0, *(mark.end() for mark in _DOCUMENT.finditer(text))]
    ends = [*(mark.start() for mark in _DOCUMENT.finditer(text)), len(text)]
    for start, end in zip(starts, ends, strict=True):
        body = text[start:end]
        if re.sub(r"#.*", "", body).strip():
            before = text.count("\n", 0, start)
            yield before + _blank_lines(body) + 1, "\n" * before + body


def _blank_lines(body: str) -> int:
    lines = body.split("\n")
    return next(number for number, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#"))


def _deployment(document: str, path: Path) -> Deployment:
    found = parse_yaml(document, path)
    return made_of(Deployment, _from_folder(run_plain(with_blocks(fields_of(found))), path.parent), found)


def _from_folder(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The fields with paths counted from the file's folder, which is also where code is that nothing is said of."""
    if fields.get("manifest_path"):
        fields["manifest_path"] = str(folder / fields["manifest_path"])
    if fields.get("storage") is None and not hasattr(fields.get("infrastructure"), "image"):
        fields["path"] = str(folder / (fields.get("path") or ""))
    storage = fields.get("storage")
    if isinstance(storage, LocalFileSystem) and document_id_of(storage) is None:
        storage.basepath = str(folder / (storage.basepath or ""))
    return fields
