"""The API as the SDK reaches it: with the run's own credentials inside a run, as the settings say outside."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TypeVar

from flowhand.client.address import Address
from flowhand.client.call import Errand
from flowhand.client.connect import open_async
from flowhand.sdk.context import current_run
from flowhand.settings import Settings, load

T = TypeVar("T")


async def perform(errand: Errand[T]) -> T:
    """Runs an errand to its end on a client of its own. Brings the embedded server up when no API is configured."""
    async with await open_async(api_settings()) as api:
        return await api.run(errand)


def api_settings() -> Settings:
    """The settings in force. Inside a run that a worker started, the API and the credentials are the worker's."""
    run = current_run()
    if run is None or run.api_file is None:
        return load()
    proof = json.loads(Path(run.api_file).read_bytes())
    address = Address.of_proof(proof)
    known = credentials(address.authorization)
    given = known.get("api_key"), known.get("api_auth_string")
    return load(api_url=address.url, api_tls_ca=address.tls_ca, api_key=given[0], api_auth_string=given[1])


def credentials(authorization: str | None) -> dict[str, str]:
    """The settings that make this Authorization header (RFC 7617, RFC 6750); none for none."""
    scheme, _, credential = (authorization or "").partition(" ")
    if scheme == "Bearer":
        return {"api_key": credential}
    if scheme == "Basic":
        return {"api_auth_string": base64.b64decode(credential).decode()}
    return {}
