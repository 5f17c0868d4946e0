"""What the bodies of the REST contract are made of: base classes and scalar types (contract 1).

Create and update bodies refuse fields they do not know; answers ignore them, so that either side may be the newer one.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

BANNED_IN_NAMES = "/%&><"
DEFAULT_LIMIT = 200
"""How many rows a `/filter` route answers at most, and unless told otherwise."""


class Request(BaseModel):
    """A body with a closed set of fields: an unknown one is an error."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """The fields that were present, an explicit null included: what a PATCH changes."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Query(BaseModel):
    """The body of a route that reads: fields it does not know are ignored, null means the default."""

    model_config = ConfigDict(extra="ignore")


class Answer(BaseModel):
    """A body that the server sends. A reader ignores what it does not know."""

    model_config = ConfigDict(extra="ignore")


class Entity(Answer):
    """What every stored thing has."""

    id: str
    created: datetime | None = None
    updated: datetime | None = None


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _uuid_text(value: Any) -> str:
    if isinstance(value, uuid.UUID):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("is not a UUID")
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise ValueError(f"{value[:64]!r} is not a UUID") from None


Moment = Annotated[datetime, AfterValidator(_utc)]
"""An aware datetime. ISO-8601 with `T` or a space, `Z` or an offset; one without an offset is taken for UTC."""

Id = Annotated[str, BeforeValidator(_uuid_text), WithJsonSchema({"type": "string", "format": "uuid"})]
"""A UUID of any version, kept as lower-case text with dashes."""

Name = Annotated[str, StringConstraints(pattern=rf"^[^{BANNED_IN_NAMES}]+$")]
"""A name that can stand in a URL path."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
"""Lower-case letters, digits and dashes."""

Part = Annotated[str, StringConstraints(max_length=1000)]
"""What texts that are looked for contain, or begin with. SQLite takes no pattern of more than 50,000 bytes."""

Labels = dict[str, bool | int | float | str]
"""Labels of flows, deployments and runs."""

Operator = Literal["and_", "or_"]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
