"""What an OpenAPI document says that a client could notice, in a short form: operations, codes, fields, their types.

`python tests/support/openapi_facts.py DOCUMENT` prints the facts of a document; those of the contract are kept in
tests/contract/openapi_facts.json, and were made so.

A type is `str`, `int`, `num`, `bool`, `any`, `obj`, `[T]`, `<T>` for a mapping, `#Name` for one of the schemas, `T|U`, each with a `?`
where null may stand. A field with a `*` must be there.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

CONTRACT: Final = Path(__file__).parents[1] / "contract" / "openapi_facts.json"
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_SIMPLE: Final = {"string": "str", "integer": "int", "number": "num", "boolean": "bool"}

Facts = dict[str, Any]


def facts_of(document: dict[str, Any], prefix: str = "") -> Facts:
    """`operations`: by `METHOD /path`, with `{}` for what varies, its codes, body and answer. `schemas`: by name, their fields."""
    operations: dict[str, Any] = {}
    for path, item in document["paths"].items():
        if not path.startswith(prefix):
            continue
        for method in _METHODS:
            if method in item:
                name = f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path.removeprefix(prefix))}"
                operations[name] = _operation(item[method])
    schemas = {name: _fields(schema) for name, schema in document["components"]["schemas"].items()}
    return {"operations": operations, "schemas": schemas}


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    answers = {code: answer for code, answer in operation["responses"].items() if code.startswith("2")}
    found: dict[str, Any] = {"codes": sorted(answers)}
    query = {p["name"]: p for p in operation.get("parameters", ()) if p["in"] == "query"}
    if query:
        found["query"] = sorted(name + ("*" if p.get("required") else "") for name, p in query.items())
    body = _json(operation.get("requestBody", {}))
    if body is not None:
        found["body"] = _type(body)
    answer = next((schema for one in answers.values() if (schema := _json(one)) is not None), None)
    if answer:
        found["answer"] = _type(answer)
    return found


def _json(holder: dict[str, Any]) -> dict[str, Any] | None:
    return holder.get("content", {}).get("application/json", {}).get("schema")


def _fields(schema: dict[str, Any]) -> Any:
    if "properties" not in schema:
        return _type(schema)
    required = set(schema.get("required", ()))
    return {name + ("*" if name in required else ""): _type(field) for name, field in sorted(schema["properties"].items())}


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return "#" + schema["$ref"].rpartition("/")[2]
    several = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if several:
        names = {_type(one) for one in several}
        null = "null" in names
        return "|".join(sorted(names - {"null"})) + ("?" if null else "")
    kind = schema.get("type")
    if isinstance(kind, list):
        return _type({"anyOf": [{**schema, "type": one} for one in kind]})
    if kind == "null":
        return "null"
    if kind == "array":
        return f"[{_type(schema.get('items', {}))}]"
    if kind == "object" or "properties" in schema:
        more = schema.get("additionalProperties")
        return f"<{_type(more)}>" if isinstance(more, dict) and more else "obj"
    return _SIMPLE.get(kind or "", "any")


def main() -> None:
    """Prints the facts of a document, a line for each operation and each schema."""
    facts = facts_of(json.loads(Path(sys.argv[1]).read_text()))
    parts = {name: ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(facts[name].items())) for name in facts}
    print("{\n" + ",\n".join(f'"{name}": {{\n{lines}\n}}' for name, lines in parts.items()) + "\n}")


if __name__ == "__main__":
    main()
