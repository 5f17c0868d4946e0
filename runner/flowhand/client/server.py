"""Calls about the server itself."""

from __future__ import annotations

from flowhand.client.call import Call, Json, read_json, read_text


def health() -> Call[bool]:
    """True when the server answers. Needs no credentials (contract 1.1)."""
    return Call("GET", "/health", read_json, timeout_s=5.0)


def package_version() -> Call[str]:
    """The version of the contract that the server speaks, such as `3.9.1` (contract 1)."""
    return Call("GET", "/admin/version", read_text)


def status() -> Call[Json]:
    """What our own server says of itself: `database`, `sessions`, `version`. ObjectNotFound from any other."""
    return Call("POST", "/runner/status", read_json, {}, about="the server's status")
