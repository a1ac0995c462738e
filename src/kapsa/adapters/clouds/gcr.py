"""Google's registries: an access token is the password, for an hour at most.

Source: https://cloud.google.com/artifact-registry/docs/docker/authentication#token
"""

import re
from datetime import UTC

from kapsa.adapters.clouds.grants import Grant, in_thread
from kapsa.adapters.credentials import Credentials

HOST = re.compile(r"([a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev")
"""What the hosts of Container Registry and Artifact Registry are called."""

_USER = "oauth2accesstoken"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


async def grant(endpoint: str) -> Grant:
    """Return credentials for a registry, by the application default credentials."""
    del endpoint
    return await in_thread(_grant)


def _grant() -> Grant:
    import google.auth  # noqa: PLC0415 - an extra
    from google.auth.transport.requests import Request  # noqa: PLC0415

    identity, _ = google.auth.default(scopes=[_SCOPE])
    identity.refresh(Request())
    # It is in UTC, and doesn't say so.
    expiry = identity.expiry.replace(tzinfo=UTC)
    return Grant(Credentials(_USER, identity.token), expiry.timestamp())
