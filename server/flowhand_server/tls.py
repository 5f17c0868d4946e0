"""The certificate of a server that speaks HTTPS itself."""

from __future__ import annotations

import ssl
from pathlib import Path

from flowhand.errors import ConfigurationError


def checked(certificate: Path | None, key: Path | None) -> tuple[Path | None, Path | None]:
    """Certificate chain and key as absolute paths, known to fit each other; two None for plain HTTP. ConfigurationError.

    They are read here although the web server does so again: a wrong file is to be told in one line.
    """
    certificate, key = (given and given.expanduser().absolute() for given in (certificate, key))
    if certificate is None:
        if key is not None:
            raise ConfigurationError("a TLS key needs its certificate: --tls-cert or FLOWHAND_SERVER_TLS_CERT")
        return None, None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"TLS with certificate {certificate} and key {key or certificate}: {error}") from None
    return certificate, key


def _no_password() -> str:
    raise ValueError("the key is encrypted; give one without a password that its owner alone can read")
