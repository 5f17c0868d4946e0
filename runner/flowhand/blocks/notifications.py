"""Notification blocks, under the path that users of Prefect know."""

from flowhand.blocks.webhooks import SlackWebhook

__all__ = ["SlackWebhook"]
