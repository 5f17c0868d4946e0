"""Blocks that call an address."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any, Literal

from pydantic import Field, SecretStr

from flowhand.blocks.block import Block
from flowhand.blocks.secret_types import SecretDict
from flowhand.client.transport import httpx
from flowhand.errors import FlowhandError
from flowhand.sdk.dual import dual

TIMEOUT_S = 30.0


class WebhookRefused(FlowhandError):
    """A call was not made, got no answer, or was turned down. The address is not in the text: it is a secret."""


class Webhook(Block):
    """An address that is called.

    Example:
        Webhook(url="https://example.org/hook").save("hook")
        Webhook.load("hook").call({"state": "done"})
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(default="POST", description="The request's method.")
    url: SecretStr = Field(title="Webhook URL", description="The address.")
    headers: SecretDict = Field(
        default_factory=lambda: SecretDict({}), title="Webhook Headers", description="Headers sent with the request."
    )
    allow_private_urls: bool = Field(default=True, description="Whether the address may be one of a private network.")
    verify: bool = Field(default=True, description="Whether the server's certificate is checked.")

    @dual
    async def call(self, payload: dict[str, Any] | str | None = None) -> Any:
        """Sends a mapping as JSON, or a text as it is; answers httpx's response, of whatever status. WebhookRefused when there is none."""
        url = self.url.get_secret_value()
        if not self.allow_private_urls:
            await _refuse_private(url)
        return await _send(self.method, url, payload, self.headers.get_secret_value(), verify=self.verify)


class SlackWebhook(Block):
    """A Slack channel that is written to by an incoming webhook.

    Example:
        SlackWebhook(url="https://hooks.slack.com/services/…").save("alerts")
        SlackWebhook.load("alerts").notify("The nightly run has failed.")
    """

    _block_type_name = "Slack Webhook"
    _block_schema_capabilities = ("notify",)

    notify_type: Literal["prefect_default", "info", "success", "warning", "failure"] = Field(
        default="info", description="The kind of message; the first is what older clients write."
    )
    url: SecretStr = Field(title="Webhook URL", description="The webhook's address, as Slack shows it.")
    allow_private_urls: bool = Field(default=True, description="Whether the address may be one of a private network.")

    @dual
    async def notify(self, body: str, subject: str | None = None) -> None:
        """Posts a message, the subject in bold above it. WebhookRefused when Slack does not take it."""
        url = self.url.get_secret_value()
        if not self.allow_private_urls:
            await _refuse_private(url)
        answer = await _send("POST", url, {"text": f"*{subject}*\n{body}" if subject else body}, {})
        if answer.status_code >= 300:
            raise WebhookRefused(f"Slack did not take the message ({answer.status_code}): {answer.text[:200]}")


async def _send(method: str, url: str, payload: Any, headers: dict[str, Any], *, verify: bool = True) -> Any:
    body: dict[str, Any] = {"content": payload} if isinstance(payload, str) else {"json": payload} if payload is not None else {}
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, verify=verify) as client:
            return await client.request(method, url, headers={name: str(value) for name, value in headers.items()}, **body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        words = str(error).replace(url, "the address") or type(error).__name__
    raise WebhookRefused(f"the webhook cannot be called: {words}")


async def _refuse_private(url: str) -> None:
    host = httpx.URL(url).host
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        raise WebhookRefused("the webhook's host is not known") from None
    if not all(ipaddress.ip_address(address[4][0]).is_global for address in found):
        raise WebhookRefused("the webhook's address is in a private network, which allow_private_urls=False forbids")
