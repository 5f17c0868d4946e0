"""Blocks of a user's own, with nested blocks and models, secrets in lists and mappings. `for_prefect` is the same on Prefect's `Block`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from flowhand.blocks import Block, SecretDict


class Point(BaseModel):
    """No block."""

    x: int = 0
    token: SecretStr | None = None


class Inner(Block):
    """What is inside.

    Attributes:
        code: a secret
    """

    code: SecretStr
    points: list[Point] = Field(default_factory=list[Point])


class Outer(Block):
    _block_type_name = "Outer Thing"
    _block_schema_capabilities = ["shine"]  # noqa: RUF012  # as users write it

    inner: Inner
    other: Inner | None = None
    headers: SecretDict = Field(default_factory=lambda: SecretDict({}), description="Some headers.")
    where: Point = Field(default_factory=Point, title="Where it is")
    anything: dict[str, Any] = Field(default_factory=dict[str, Any])


def for_prefect() -> str:
    """This file's classes as a program of a Prefect client."""
    ours = "from flowhand.blocks import Block, SecretDict"
    theirs = "from prefect.blocks.core import Block\nfrom prefect.blocks.fields import SecretDict"
    return Path(__file__).read_text(encoding="utf-8").replace(ours, theirs, 1)
