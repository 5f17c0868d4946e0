"""From a block type's slug to the class that reads it. Ours are imported when somebody asks for them."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from flowhand.errors import FlowhandError

if TYPE_CHECKING:
    from flowhand.blocks.block import Block

_classes: dict[str, type[Block]] = {}

BUILT_IN: Final = {
    slug: f"flowhand.blocks.{module}"
    for module, slugs in {
        "system": ("secret", "json", "string", "date-time"),
        "webhooks": ("webhook", "slack-webhook"),
        "storage": ("local-file-system",),
        "object_stores": ("remote-file-system", "s3", "gcs", "azure", "smb"),
        "repositories": ("github", "gitlab-repository", "bitbucket-repository"),
        "credentials": (
            "git-credentials",
            "github-credentials",
            "gitlab-credentials",
            "bitbucket-credentials",
            "docker-registry",
            "docker-registry-credentials",
        ),
        "integrations": (
            "aws-credentials",
            "minio-credentials",
            "s3-bucket",
            "gcp-credentials",
            "gcs-bucket",
            "azure-blob-storage-credentials",
            "azure-blob-storage-container",
            "github-repository",
        ),
        "infrastructure": ("process", "docker-container", "kubernetes-job", "kubernetes-cluster-config"),
    }.items()
    for slug in slugs
}
"""The module of each type that comes with flowhand."""


class UnknownBlockType(FlowhandError, LookupError):
    """No class is known here for a block type: its module has to be imported first."""


def register(kind: type[Block]) -> None:
    """Lets `kind` read documents of its type. The class that was defined last wins."""
    _classes[kind.get_block_type_slug()] = kind


def class_of(slug: str) -> type[Block]:
    """The class of a type. UnknownBlockType."""
    if slug not in _classes and slug in BUILT_IN:
        import_module(BUILT_IN[slug])
    found = _classes.get(slug)
    if found is None:
        near = difflib.get_close_matches(slug, {*_classes, *BUILT_IN}, 1, 0.7)
        hint = f"did you mean {near[0]!r}?" if near else "import the module that defines it first"
        raise UnknownBlockType(f"there is no block class for the type {slug!r} here; {hint}")
    return found


def is_block_class(annotation: Any) -> TypeGuard[type[Block]]:
    """Whether an annotation is a class of blocks."""
    return isinstance(annotation, type) and hasattr(annotation, "get_block_type_slug")
