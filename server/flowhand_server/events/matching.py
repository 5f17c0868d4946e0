"""Whether an event is one that a filter asks for (contract 8.2). Pure.

An event here is its form: the dictionary that goes on the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flowhand.wire.events import (
    RESOURCE_ID,
    RESOURCE_ROLE,
    AnyResourceFilter,
    EventFilter,
    NameFilter,
    RelatedFilter,
    ResourceFilter,
    ResourceLabels,
)

Labels = Mapping[str, str]


def matches(wanted: EventFilter, event: Mapping[str, Any]) -> bool:
    """Whether the event fits all parts of the filter but the time."""
    resource, related = event["resource"], event["related"]
    return (
        (not wanted.id.id or event["id"] in wanted.id.id)
        and (wanted.event is None or name_fits(wanted.event, event["event"]))
        and (wanted.resource is None or resource_fits(wanted.resource, resource))
        and all(any(_related_fits(one, labels, related) for labels in related) for one in _each(wanted.related) if _says(one))
        and all(any(_any_fits(one, labels) for labels in (resource, *related)) for one in _each(wanted.any_resource) if _says(one))
        and (wanted.text is None or text_fits(wanted.text.query, event))
    )


def _each(filters: Any) -> Iterable[Any]:
    return () if filters is None else filters if isinstance(filters, list) else (filters,)


def _says(one: RelatedFilter | AnyResourceFilter) -> bool:
    return any(value for value in one.model_dump().values())


def name_fits(wanted: NameFilter, name: str) -> bool:
    """Whether an event's name is wanted and not excluded."""
    if wanted.name and name not in wanted.name:
        return False
    if wanted.prefix and not name.startswith(tuple(_stem(prefix) for prefix in wanted.prefix)):
        return False
    if wanted.exclude_name and name in wanted.exclude_name:
        return False
    return not (wanted.exclude_prefix and name.startswith(tuple(_stem(prefix) for prefix in wanted.exclude_prefix)))


def _stem(prefix: str) -> str:
    return prefix.removesuffix("*")


def resource_fits(wanted: ResourceFilter | AnyResourceFilter, resource: Labels) -> bool:
    """Whether a resource is wanted by id, by the beginning of its id, and by its labels."""
    resource_id = resource.get(RESOURCE_ID, "")
    if wanted.id and resource_id not in wanted.id:
        return False
    if wanted.id_prefix and not resource_id.startswith(tuple(wanted.id_prefix)):
        return False
    return wanted.labels is None or labels_fit(wanted.labels, resource)


def _any_fits(wanted: AnyResourceFilter, resource: Labels) -> bool:
    return resource_fits(wanted, resource)


def _related_fits(wanted: RelatedFilter, resource: Labels, related: list[Labels]) -> bool:
    if wanted.id and resource.get(RESOURCE_ID) not in wanted.id:
        return False
    if wanted.role and resource.get(RESOURCE_ROLE) not in wanted.role:
        return False
    if wanted.labels is not None and not labels_fit(wanted.labels, resource):
        return False
    pairs = {(one.get(RESOURCE_ID), one.get(RESOURCE_ROLE)) for one in related}
    return not wanted.resources_in_roles or any(pair in pairs for pair in wanted.resources_in_roles)


def labels_fit(wanted: ResourceLabels, resource: Labels) -> bool:
    """Whether a resource has every wanted label: with one of the wanted texts, and with none of those that are turned round."""
    return all(_texts_fit([texts] if isinstance(texts, str) else texts, resource.get(label)) for label, texts in wanted.items())


def _texts_fit(texts: list[str], value: str | None) -> bool:
    plain = [text for text in texts if not text.startswith("!")]
    turned = [text for text in texts if text.startswith("!")]
    return all(label_fits(text, value) for text in turned) and (any(label_fits(text, value) for text in plain) if plain else bool(turned))


def label_fits(wanted: str, value: str | None) -> bool:
    """Whether a label's text is the wanted one: `*` at the end stands for anything, `!` before it turns it round."""
    if wanted.startswith("!"):
        return not label_fits(wanted[1:], value)
    if value is None:
        return False
    if wanted.endswith("*"):
        return value.startswith(wanted[:-1])
    return value == wanted


def text_fits(query: str, event: Mapping[str, Any]) -> bool:
    """Whether the event's texts hold the words: any of the plain ones, all with `+`, none with `-` or `!`."""
    text = " ".join([event["event"], str(event["payload"]), *_texts(event["resource"]), *(t for r in event["related"] for t in _texts(r))])
    text = text.lower()
    plain, ok = [], True
    for word in query.lower().split():
        if word.startswith(("-", "!")):
            ok = ok and word[1:] not in text
        elif word.startswith("+"):
            ok = ok and word[1:] in text
        else:
            plain.append(word)
    return ok and (not plain or any(word in text for word in plain))


def _texts(labels: Labels) -> list[str]:
    return [*labels.keys(), *labels.values()]
