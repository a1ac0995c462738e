"""By which certificates servers are known."""

import base64
import binascii
import ssl
from typing import Any

from kapsa.adapters.errors import Stalled
from kapsa.models.reasons import Reason

CA_KEY = "ca.crt"
"""The key of Secrets with certificates of authorities."""


def authorities_in(secret: dict[str, Any], where: str) -> str:
    """Return the certificates (PEM) that a Secret holds under `ca.crt`.

    Args:
        secret: The Secret as the API server gives it.
        where: How messages call it.

    Raises:
        Stalled: SecretInvalid.
    """
    try:
        text = base64.b64decode((secret.get("data") or {})[CA_KEY], validate=True).decode("ascii")
        context_of(text)
    except KeyError:
        problem = f"it needs the key {CA_KEY}"
    except (binascii.Error, ValueError, TypeError, ssl.SSLError):
        problem = f"the value of {CA_KEY} is no certificate in PEM form"
    else:
        if text.strip():
            return text
        problem = f"the value of {CA_KEY} is empty"
    raise Stalled(Reason.SECRET_INVALID, f"The Secret {where} can't be used: {problem}.")


def context_of(authorities: str) -> ssl.SSLContext | None:
    """Return what knows servers by these certificates (PEM) alone; None for the public ones.

    Raises:
        ssl.SSLError: They are malformed.
    """
    return ssl.create_default_context(cadata=authorities) if authorities else None
