"""The block types that a server knows from its start. `python tests/support/built_in_blocks.py` makes their file from the classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from flowhand.blocks.registry import BUILT_IN, class_of

FILE: Final = Path(__file__).parents[2] / "server" / "flowhand_server" / "block_types.json"


def text() -> str:
    """What the file holds: types by slug, each with the schema of its fields."""
    types = {
        slug: {"type": kind.block_type_body(), "fields": kind.model_json_schema(), "capabilities": sorted(kind.get_block_capabilities())}
        for slug, kind in ((slug, class_of(slug)) for slug in sorted(BUILT_IN))
    }
    return json.dumps(types, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
