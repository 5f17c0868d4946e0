"""The API as the SDK reaches it (see `flowhand.sdk.api`)."""

from flowhand.sdk.api import api_settings, credentials, perform

__all__ = ["api_settings", "credentials", "perform"]
