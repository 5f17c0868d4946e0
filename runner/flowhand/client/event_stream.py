"""Events as they happen, over a websocket (contract 8)."""

from __future__ import annotations

import base64
from collections.abc import Generator
from typing import Any, Final

import orjson
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from flowhand.client.address import Address
from flowhand.client.call import Json
from flowhand.client.transport import verify
from flowhand.errors import ApiUnavailable, Unauthorized

OPEN_S: Final = 10.0
MAX_MESSAGE: Final = 4_000_000
_NOT_ALLOWED: Final = 1008
"""What a server closes with that does not know the token (RFC 6455, 7.4.1)."""


def stream(address: Address, wanted: Json, *, backfill: bool = False) -> Generator[Json, None, None]:
    """The events that fit, as they happen; with `backfill` those of the last minutes first. Ends only by an error, or when it is closed.

    ApiUnavailable when the server goes or cannot be reached, Unauthorized when it does not know us.
    """
    try:
        with _open(address) as socket:
            socket.send(orjson.dumps({"type": "auth", "token": _token(address)}), text=True)
            socket.recv(OPEN_S)
            socket.send(orjson.dumps({"type": "filter", "filter": wanted, "backfill": backfill}), text=True)
            for message in socket:
                yield orjson.loads(message)["event"]
            raise ApiUnavailable(f"the server at {address.url} ended the stream")
    except ConnectionClosed as error:
        if error.rcvd is not None and error.rcvd.code == _NOT_ALLOWED:
            raise Unauthorized(f"{address.url} does not know these credentials; check FLOWHAND_API_KEY", 401) from None
        raise ApiUnavailable(f"the stream from {address.url} was cut") from None
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise ApiUnavailable(f"{address.url} does not answer: {error}") from None


def _open(address: Address) -> ClientConnection:
    url = "ws" + address.url.removeprefix("http") + "/events/out"
    more: dict[str, Any] = {"proxy": None} if address.local else {}
    if url.startswith("wss:") and address.tls_ca is not None:
        more["ssl"] = verify(address)
    return connect(url, subprotocols=[Subprotocol("prefect")], open_timeout=OPEN_S, max_size=MAX_MESSAGE, **more)


def _token(address: Address) -> str | None:
    """What the Authorization header would prove: the key, or `user:password`."""
    scheme, _, proof = (address.authorization or "").partition(" ")
    return base64.b64decode(proof).decode() if scheme == "Basic" else proof or None
