"""The table of settings in docs/operations.md. `python tests/support/settings_page.py` writes it anew into the page."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Final

from flowhand.settings import Settings, env_name

PAGE: Final = Path(__file__).parents[2] / "docs" / "operations.md"
BEGIN: Final = "<!-- settings: begin -->\n"
END: Final = "<!-- settings: end -->\n"


def table() -> str:
    """The table in Markdown."""
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    for spec in fields(Settings):
        default = "" if spec.default is None else f"`{spec.default:g}`" if isinstance(spec.default, float) else f"`{spec.default}`"
        also = "".join(f"; also read from `{name}`" for name in spec.metadata["also"])
        lines.append(f"| `{env_name(spec.name)}` | {default} | {spec.metadata['about']}{also} |")
    return "\n".join(lines) + "\n"


def write() -> None:
    """Puts the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table() + END + after, encoding="utf-8")


if __name__ == "__main__":
    write()
