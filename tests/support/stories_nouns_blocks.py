"""Stories about blocks: their types, schemas and documents, secrets and documents within documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from support.beside import Player

NOBODY: Final = "00000000-0000-4000-8000-000000000000"


def _fields(slug: str) -> dict[str, Any]:
    properties = {"a": {"title": "A", "type": "string"}, "pw": {"type": "string", "format": "password"}, "n": {"type": "object"}}
    return {
        "title": "Own",
        "type": "object",
        "properties": properties,
        "required": ["a"],
        "block_type_slug": slug,
        "secret_fields": ["pw", "n.*"],
        "block_schema_references": {},
    }


def types(play: Player) -> None:
    made = play.post("/block_types/", name="Own", slug="own", logo_url="https://x.y/z.png", description="D", code_example="c")["id"]
    bodies: list[dict[str, Any]] = [
        {"name": "Own", "slug": "own"},
        {"name": "Other", "slug": "own"},
        {"name": "Prefect Own", "slug": "x"},
        {"name": "a/b", "slug": "ab"},
        {"name": "c", "slug": "Bad Slug"},
        {"name": "c"},
        {"slug": "c"},
        {"name": "d", "slug": "d", "foo": 1},
    ]
    for body in bodies:
        play.post("/block_types/", body)
    for path in (made, "slug/own", "slug/none", NOBODY, "no-uuid", "slug/none/block_documents"):
        play.get(f"/block_types/{path}")
    for body in ({"description": "D2"}, {"logo_url": None}, {"name": "x"}, {}):
        if play.patch(f"/block_types/{made}", body) is None:
            play.get(f"/block_types/{made}")
    play.patch(f"/block_types/{NOBODY}", description="x")
    play.post("/block_types/filter", block_types={"slug": {"any_": ["own"]}})
    play.post("/block_types/filter", block_types={"name": {"like_": "OWN"}})
    for window in ({"limit": 0}, {"limit": 201}, {"block_types": {"foo": 1}}):
        play.post("/block_types/filter", window)
    play.delete(f"/block_types/{made}")
    play.delete(f"/block_types/{made}")
    secret = play.http.get("/block_types/slug/secret").json()["id"]
    wanted = {"block_schemas": {"block_type_id": {"any_": [secret]}}}
    (schema,) = play.http.post("/block_schemas/filter", json=wanted).json()
    play.delete(f"/block_schemas/{schema['id']}")
    play.delete(f"/block_types/{secret}")
    for slug in ("webhook", "local-file-system"):
        about = play.http.get(f"/block_types/slug/{slug}").json()
        play.delete(f"/block_types/{about['id']}")


def schemas(play: Player) -> None:
    kind = play.post("/block_types/", name="Schemas", slug="schemas")["id"]
    fields = _fields("schemas")
    made = play.post("/block_schemas/", fields=fields, block_type_id=kind, capabilities=["x", "y"], version="1.0")
    bodies: list[dict[str, Any]] = [
        {"fields": fields, "block_type_id": kind, "capabilities": ["x", "y"], "version": "1.0"},
        {"fields": fields, "block_type_id": kind, "version": "2.0"},
        {"fields": fields, "block_type_id": NOBODY},
        {"fields": fields},
        {"fields": fields, "block_type_id": kind, "foo": 1},
    ]
    for body in bodies:
        play.post("/block_schemas/", body)
    for path in (made["id"], NOBODY, f"checksum/{made['checksum']}", "checksum/sha256:none", "checksum/none"):
        play.get(f"/block_schemas/{path}")
    for version in ("1.0", "9"):
        play.get(f"/block_schemas/checksum/{made['checksum']}", version=version)
    filters: list[dict[str, Any]] = [
        {"block_type_id": {"any_": [kind]}},
        {"block_type_id": {"any_": [kind]}, "version": {"any_": ["1.0"]}},
        {"block_type_id": {"any_": [kind]}, "block_capabilities": {"all_": ["x"]}},
        {"block_type_id": {"any_": [kind]}, "block_capabilities": {"all_": ["none"]}},
        {"id": {"any_": [made["id"]]}},
        {"foo": 1},
    ]
    for one in filters:
        play.post("/block_schemas/filter", block_schemas=one)
    play.delete(f"/block_schemas/{made['id']}")
    play.delete(f"/block_schemas/{made['id']}")


def documents(play: Player) -> None:
    kind = play.post("/block_types/", name="Documents", slug="documents")["id"]
    schema = play.post("/block_schemas/", fields=_fields("documents"), block_type_id=kind)["id"]
    of_it = {"block_schema_id": schema, "block_type_id": kind}
    made = play.post("/block_documents/", of_it | {"name": "d", "data": {"a": "v", "pw": "secret", "n": {"k": "deep"}}})["id"]
    bodies: list[dict[str, Any]] = [
        of_it | {"name": "d", "data": {"a": "v"}},
        of_it | {"name": "Bad Name", "data": {}},
        of_it | {"name": "under_score", "data": {}},
        of_it | {"name": "", "data": {}},
        of_it | {"data": {}},
        of_it | {"name": "no-data"},
        of_it | {"name": "more", "data": {"zzz": 1}},
        of_it | {"name": "more", "data": {}, "foo": 1},
        of_it | {"name": "nulls", "data": {"pw": None, "a": None}},
        of_it | {"name": "empty", "data": {"pw": ""}},
        {"name": "x", "data": {}, "block_schema_id": NOBODY, "block_type_id": kind},
    ]
    for body in bodies:
        play.post("/block_documents/", body)
    play.post("/block_documents/", of_it | {"data": {"a": "v"}, "is_anonymous": True})
    path = f"/block_documents/{made}"
    for secrets in (False, True, "x"):
        play.get(path, include_secrets=secrets)
        play.get("/block_types/slug/documents/block_documents/name/d", include_secrets=secrets)
    play.get("/block_types/slug/documents/block_documents")
    play.get(f"/block_documents/{NOBODY}")
    for missing in ("slug/documents/block_documents/name/none", "slug/none/block_documents/name/none"):
        play.get(f"/block_types/{missing}")
    changes: list[dict[str, Any]] = [
        {"data": {"a": "w"}},
        {"data": {"pw": "********"}},
        {"data": {"a": "new"}, "merge_existing_data": False},
        {"block_schema_id": schema},
        {"data": {"a": "q", "pw": "abc"}, "block_schema_id": schema, "merge_existing_data": True},
        {"name": "x"},
        {},
    ]
    for body in changes:
        if play.patch(path, body) is None:
            play.get(path, include_secrets=True)
    play.patch(f"/block_documents/{NOBODY}", data={})
    here = {"block_documents": {"block_type_id": {"any_": [kind]}}}
    searches: list[dict[str, Any]] = [
        *({"sort": sort} for sort in ("NAME_ASC", "NAME_DESC", "BLOCK_TYPE_AND_NAME_ASC", "X", None)),
        {"limit": 2, "offset": 1},
        {"limit": 201},
        {"include_secrets": True},
        {"block_documents": {"block_type_id": {"any_": [kind]}, "name": {"like_": "ull"}}},
        {"block_documents": {"block_type_id": {"any_": [kind]}, "name": {"any_": ["d"]}}},
        {"block_documents": {"id": {"any_": [made]}}},
        {"block_types": {"slug": {"any_": ["documents"]}}},
    ]
    for body in searches:
        play.post("/block_documents/filter", here | body)
    play.post("/block_documents/count", here)
    play.delete(path)
    play.delete(path)
    play.delete(f"/block_types/{kind}")
    play.get(f"/block_schemas/{schema}")
    play.post("/block_documents/count", here)


def documents_within(play: Player) -> None:
    inner = play.post("/block_types/", name="Inner", slug="inner")["id"]
    within = play.post("/block_schemas/", fields=_fields("inner"), block_type_id=inner)
    outer = play.post("/block_types/", name="Outer", slug="outer")["id"]
    fields = {
        "title": "Outer",
        "type": "object",
        "properties": {"inner": {"$ref": "#/definitions/Own"}, "o": {"type": "string"}},
        "block_type_slug": "outer",
        "secret_fields": ["inner.pw"],
        "block_schema_references": {"inner": {"block_type_slug": "inner", "block_schema_checksum": within["checksum"]}},
        "definitions": {"Own": _fields("inner")},
    }
    around = play.post("/block_schemas/", fields=fields, block_type_id=outer)["id"]
    data = {"a": "v", "pw": "secret"}
    held = play.post("/block_documents/", name="held", data=data, block_schema_id=within["id"], block_type_id=inner)["id"]
    of_it = {"block_schema_id": around, "block_type_id": outer}
    reference = {"$ref": {"block_document_id": held}}
    path = f"/block_documents/{play.post('/block_documents/', of_it | {'name': 'holder', 'data': {'inner': reference, 'o': 'x'}})['id']}"
    play.get(path)
    play.get(path, include_secrets=True)
    play.post("/block_documents/", of_it | {"name": "plain", "data": {"inner": {"a": "inline", "pw": "p"}}})
    play.post("/block_documents/", of_it | {"name": "lost", "data": {"inner": {"$ref": {"block_document_id": NOBODY}}}})
    for change in ({"inner": {"a": "inline", "pw": "p"}, "o": "y"}, {"inner": reference}):
        if play.patch(path, data=change) is None:
            play.get(path)
    play.post("/block_documents/filter", block_types={"slug": {"any_": ["outer", "inner"]}}, include_secrets=True)
    play.delete(f"/block_documents/{held}")
    play.get(path)


STORIES: Final[dict[str, Callable[[Player], None]]] = {
    "types of blocks": types,
    "schemas of blocks": schemas,
    "documents": documents,
    "documents within documents": documents_within,
}
