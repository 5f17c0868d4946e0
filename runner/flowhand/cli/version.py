"""`flowhand version`"""

from __future__ import annotations

import json
import platform
import sys
from typing import Annotated

import typer

from flowhand.client.identity import API_VERSION, CONTRACT, flowhand_version

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def version(
    output: Annotated[str, typer.Option("--output", "-o", metavar="FORMAT", help="text, or json for scripts.")] = "text",
) -> None:
    """The version of flowhand and what it runs on."""
    sys.stdout.write(json.dumps(facts(), indent=2) + "\n" if output == "json" else in_lines())


def facts() -> dict[str, str]:
    """What there is to say."""
    return {
        "flowhand": flowhand_version(),
        "contract": f"{CONTRACT} (API {API_VERSION})",
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
    }


def in_lines() -> str:
    """The same for people."""
    return "".join(f"{name + ':':<10} {value}\n" for name, value in facts().items())
