"""Blocks and variables in job variables (contract 6.2, steps 7 and 8), by template or as `{"$ref": {"block_document_id": id}}`.

The journal holds them as they were written; their values are asked for when a run starts.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from flowhand.client import blocks
from flowhand.client.call import Errand, Json
from flowhand.client.references import value_of
from flowhand.errors import ApiError, ApiUnavailable, LaunchError, ObjectNotFound

if TYPE_CHECKING:
    from flowhand_storage.steps.progress import Reference

VARIABLE: Final = "variable"
_TEMPLATE: Final = re.compile(r"\{\{\s*(prefect|flowhand)\.(blocks|variables)\.")
Ask = Callable[[Errand[Any]], Awaitable[Any]]
"""Has an errand run at the API."""


class _Unasked(Exception):
    """A reference whose value is not known yet."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(reference.name)
        self.reference = reference


async def resolved(config: dict[str, Any], ask: Ask) -> tuple[dict[str, Any], list[str]]:
    """The job configuration with its references filled in, and the texts that came out of blocks, all of which count as secret.

    Asks nobody when there are none. A variable that is not there is an empty text. LaunchError names a reference that cannot be resolved.
    """
    if not _has_references(config):
        return config, []
    secrets: list[str] = []
    try:
        documents = {document_id: await ask(_document(document_id)) for document_id in dict.fromkeys(_ids(config))}
        secrets += _texts(list(documents.values()))
        return await _filled(config, documents, ask, secrets), secrets
    except ApiUnavailable:
        raise
    except ApiError as error:
        raise LaunchError(f"the job variables refer to what cannot be had: {error}") from error


async def _filled(config: dict[str, Any], documents: Mapping[str, Any], ask: Ask, secrets: list[str]) -> dict[str, Any]:
    """In one walk: what a document or a variable holds is not looked at again."""
    # here: few deployments have such job variables, and a daemon without them stays as small as it is
    from flowhand_storage.checkouts import CheckoutStore, default_root
    from flowhand_storage.errors import StorageError
    from flowhand_storage.scrub import Scrubber
    from flowhand_storage.steps.progress import Progress, StepContext, StepRun
    from flowhand_storage.steps.templates import filled

    values: dict[Reference, Any] = {}

    def known(reference: Reference) -> Any:
        if reference not in values:
            raise _Unasked(reference)
        return values[reference]

    context = StepContext(Path(), CheckoutStore(default_root()), environ={}, resolve=known, conceal=secrets.append)
    run = StepRun(context, Progress(working_directory="."), Scrubber())

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(item) for item in cast("list[Any]", value)]
        if not isinstance(value, dict):
            return filled(value, run) if _has_references(value) else value
        mapping = cast("dict[str, Any]", value)
        document_id = _referred(mapping)
        return {key: walk(item) for key, item in mapping.items()} if document_id is None else documents[document_id]

    while True:
        try:
            return walk(config)
        except _Unasked as missing:
            values[missing.reference] = await ask(_value(missing.reference))
        except StorageError as error:
            raise LaunchError(f"the job variables cannot be filled in: {error}") from error


def _value(reference: Reference) -> Errand[Any]:
    try:
        return (yield from value_of(VARIABLE if reference.is_variable else reference.kind, reference.name))
    except ObjectNotFound:
        if reference.is_variable:
            return ""
        raise


def _ids(value: Any) -> Iterator[str]:
    """Of the documents that are referred to."""
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _ids(item)
    elif isinstance(value, dict):
        mapping = cast("dict[str, Any]", value)
        document_id = _referred(mapping)
        if document_id is not None:
            yield document_id
            return
        for item in mapping.values():
            yield from _ids(item)


def _document(document_id: str) -> Errand[Json]:
    document: Json = yield blocks.read_by_id(document_id, secrets=True)
    return document["data"]


def _referred(value: Mapping[str, Any]) -> str | None:
    reference = value.get("$ref")
    found = cast("dict[str, Any]", reference).get("block_document_id") if isinstance(reference, dict) else None
    return found if isinstance(found, str) else None


def _has_references(value: Any) -> bool:
    if isinstance(value, str):
        return _TEMPLATE.search(value) is not None
    if isinstance(value, dict):
        mapping = cast("dict[str, Any]", value)
        return _referred(mapping) is not None or any(_has_references(item) for item in mapping.values())
    return isinstance(value, list) and any(_has_references(item) for item in cast("list[Any]", value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in cast("dict[str, Any]", value).values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts(item)
