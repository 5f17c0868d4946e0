"""Which addresses the server may call for its users: a guard against requests that are forged through it (SSRF).

The name is resolved once and the connection goes to the address that was looked at, so that a name cannot mean something else a moment
later. Link-local addresses, where clouds answer questions about the machine, are never called; private ones when the block allows it.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

import anyio
from anyio import to_thread

from flowhand.errors import FlowhandError

RESOLVE_S: Final = 10.0
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(FlowhandError):
    """The server does not call this address, or it cannot be found. The text does not hold the address's path, which may be a secret."""


async def address_of(host: str, port: int, *, private: bool) -> str:
    """The address to connect to. AddressRefused when there is none, or any that the name stands for may not be called."""
    try:
        with anyio.fail_after(RESOLVE_S):
            found = await to_thread.run_sync(socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM, abandon_on_cancel=True)
    except (OSError, TimeoutError, ValueError):
        raise AddressRefused(f"{host!r} cannot be resolved") from None
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    for address in addresses:
        check(host, address, private=private)
    return str(addresses[0])


def check(host: str, address: Address, *, private: bool) -> None:
    """AddressRefused for an address that may not be called."""
    plain = getattr(address, "ipv4_mapped", None) or address
    if plain.is_link_local or plain.is_multicast or plain.is_unspecified or (plain.is_reserved and not plain.is_loopback):
        raise AddressRefused(f"{host!r} is {plain}, which is never called")
    if not private and not plain.is_global:
        raise AddressRefused(f"{host!r} is {plain}, a private address, and the block does not allow those")
