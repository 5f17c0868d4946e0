"""Blocks that call an address: a real HTTP server hears what they say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from flowhand.blocks import SlackWebhook, Webhook
from flowhand.blocks.webhooks import WebhookRefused

SECRET = "".join(["s3cret", "-path"])


class Listener:
    """An HTTP server that answers everything with `status` and remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status = 200
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                listener.heard.append((self.command, self.path, dict(self.headers), body))
                self.send_response(listener.status)
                self.end_headers()
                self.wfile.write(b"no_service")

            do_GET = do_POST = do_PUT = answer  # the names that http.server looks for

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/{SECRET}"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def test_a_webhook_is_called(listener: Listener) -> None:
    """A mapping goes as JSON, a text as it is; method and headers are the block's; the answer comes back whatever its status."""
    hook = Webhook.model_validate({"url": listener.url, "headers": {"X-Token": "t"}, "method": "PUT"})
    assert hook.call({"state": "done"}).status_code == 200
    listener.status = 500
    assert hook.call("plain").text == "no_service"
    (method, path, headers, body), (_, _, _, second) = listener.heard
    assert (method, path, headers["X-Token"], json.loads(body)) == ("PUT", f"/{SECRET}", "t", {"state": "done"})
    assert second == b"plain"


def test_it_is_awaited_in_async_code(listener: Listener) -> None:
    """The same from a coroutine."""

    async def use() -> int:
        return (await Webhook.model_validate({"url": listener.url, "method": "GET"}).call()).status_code

    assert asyncio.run(use()) == 200


def test_a_message_to_slack(listener: Listener) -> None:
    """As Slack takes it, the subject in bold; an answer that is no success is an error with Slack's word."""
    slack = SlackWebhook.model_validate({"url": listener.url})
    slack.notify("It is done.", subject="Nightly")
    assert json.loads(listener.heard[0][3]) == {"text": "*Nightly*\nIt is done."}
    listener.status = 404
    with pytest.raises(WebhookRefused, match=r"\(404\): no_service"):
        slack.notify("Again.")


def test_private_addresses_can_be_forbidden(listener: Listener) -> None:
    """Then nothing is sent."""
    hook = Webhook.model_validate({"url": listener.url, "allow_private_urls": False})
    with pytest.raises(WebhookRefused, match="private network"):
        hook.call()
    assert not listener.heard


@pytest.mark.parametrize(
    "url", [f"http://127.0.0.1:9/{SECRET}", f"http://no-such-host.invalid/{SECRET}", f"nonsense://{SECRET}", "http://["]
)
def test_the_address_is_in_no_error(url: str) -> None:
    """Nobody answers, or nobody can be asked: one line, without the address, which is a secret."""
    with pytest.raises(WebhookRefused) as caught:
        Webhook.model_validate({"url": url}).call()
    assert SECRET not in f"{caught.value}{caught.value.__context__}{caught.value.__cause__}"
