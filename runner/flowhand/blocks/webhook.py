"""`Webhook`, under the path that users of Prefect know."""

from flowhand.blocks.webhooks import Webhook

__all__ = ["Webhook"]
