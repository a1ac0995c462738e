"""Amazon's Elastic Container Registry: a password for twelve hours.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
"""

import base64
import re

from kapsa.adapters.clouds.grants import Grant, in_thread
from kapsa.adapters.credentials import Credentials

HOST = re.compile(
    r"[0-9]{12}\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)"
    r"\.(amazonaws\.com(\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)"
)
"""What its hosts are called; the region is in the name."""


async def grant(endpoint: str) -> Grant:
    """Return credentials for a registry, by the default chain of AWS: IRSA, pod identity, node."""
    return await in_thread(lambda: _grant(endpoint))


def _grant(endpoint: str) -> Grant:
    from botocore.config import Config  # noqa: PLC0415 - an extra
    from botocore.session import Session  # noqa: PLC0415

    match = HOST.fullmatch(endpoint.lower())
    client = Session().create_client(
        "ecr",
        region_name=match["region"] if match else None,
        config=Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2}),
    )
    given = client.get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(given["authorizationToken"]).decode().partition(":")
    return Grant(Credentials(user, password), given["expiresAt"].timestamp())
