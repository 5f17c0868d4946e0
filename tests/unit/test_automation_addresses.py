"""Which addresses the server calls for its users."""

from __future__ import annotations

import ipaddress

import pytest

from flowhand_server.automations.addresses import AddressRefused, address_of, check


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "::ffff:169.254.169.254", "::", "255.255.255.255"]
)
def test_some_addresses_are_never_called(address: str) -> None:
    """Link-local ones above all, where clouds answer for the machine, also in the clothes of version 6."""
    with pytest.raises(AddressRefused, match="never called"):
        check("host", ipaddress.ip_address(address), private=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:10.0.0.1", "100.64.0.1"])
def test_private_addresses_are_called_when_the_block_allows_it(address: str) -> None:
    """And only then."""
    check("host", ipaddress.ip_address(address), private=True)
    with pytest.raises(AddressRefused, match="a private address"):
        check("host", ipaddress.ip_address(address), private=False)


def test_public_addresses_are_called() -> None:
    """Of either version."""
    for address in ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"):
        check("host", ipaddress.ip_address(address), private=False)


@pytest.mark.anyio
async def test_a_name_is_resolved_once_and_looked_at() -> None:
    """What it stands for is what is called."""
    assert await address_of("localhost", 80, private=True) in {"127.0.0.1", "::1"}
    with pytest.raises(AddressRefused, match="'localhost' is"):
        await address_of("localhost", 80, private=False)
    with pytest.raises(AddressRefused, match="cannot be resolved"):
        await address_of("no-such-host.invalid", 80, private=True)
