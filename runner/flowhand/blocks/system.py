"""Blocks that hold one value."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field, JsonValue, SecretStr
from pydantic import Secret as Hidden

from flowhand.blocks.block import Block


class Secret(Block):
    """A value that is kept encrypted and never shown: text, or anything that JSON can say.

    Example:
        Secret(value="s3cr3t").save("database-password")
        Secret.load("database-password").get()
    """

    value: SecretStr | Hidden[JsonValue] = Field(
        description="The value to keep secret.", json_schema_extra={"writeOnly": True, "format": "password"}
    )

    if TYPE_CHECKING:

        def __init__(self, *, value: Any) -> None:
            """Takes the value itself, which pydantic makes secret."""

    def get(self) -> Any:
        """The value as it was given."""
        return self.value.get_secret_value()


class JSON(Block):
    """A value of any JSON type, for all to see."""

    value: Any = Field(description="Anything that JSON can say.")


class String(Block):
    """A text, for all to see."""

    value: str = Field(description="The text.")


class DateTime(Block):
    """A moment."""

    _block_type_name = "Date Time"

    value: datetime = Field(description="The moment, in ISO 8601.")
