"""Asking before something is gone."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def confirm(question: str, yes: bool) -> None:
    """Asks on a terminal; a script is taken at its word. typer.Abort when the answer is no."""
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True)
