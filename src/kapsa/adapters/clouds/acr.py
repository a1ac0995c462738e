"""Azure Container Registry: a token of Entra ID is exchanged for one of the registry, for hours.

Source: https://azure.github.io/acr/AAD-OAuth.html
"""

import re
from dataclasses import dataclass

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.clouds.grants import Grant, in_thread
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.http_client import guarded_session, read_bounded, waiting_on_failure
from kapsa.adapters.registry_session import Answer
from kapsa.adapters.registry_tokens import claims_of
from kapsa.models.reasons import Reason

HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9]+\.data)?\.azurecr\.(io|cn|us)")
"""What its hosts are called."""

_USER = "00000000-0000-0000-0000-000000000000"
_AUDIENCE = "https://containerregistry.azure.net/.default"
_BODY_LIMIT = 65536


@dataclass(frozen=True)
class Exchange:
    """Exchanges tokens at registries.

    Attributes:
        policy: Which addresses may be dialled.
        scheme: How registries are spoken to.
        timeout: Seconds for the exchange.
    """

    policy: AddressPolicy
    scheme: str = "https"
    timeout: float = 10.0

    async def grant(self, endpoint: str) -> Grant:
        """Return credentials for a registry, by the default chain of Azure.

        Raises:
            Stalled: NoCloudCredentials: the registry refuses the identity.
            Waiting: NoCloudCredentials: the registry does not answer as it should.
        """
        token = await in_thread(_entra_token)
        with waiting_on_failure(Reason.NO_CLOUD_CREDENTIALS, f"The registry {endpoint}", (token,)):
            answer = await self._exchanged(endpoint, token)
        if answer.status in {401, 403}:
            raise Stalled(
                Reason.NO_CLOUD_CREDENTIALS,
                f"The registry {endpoint} does not know the operator's identity in Azure: give it"
                " the role AcrPull, and AcrPush where images are built.",
            )
        given = answer.value.get("refresh_token")
        if answer.status != 200 or not isinstance(given, str) or not given:
            raise Waiting(
                Reason.NO_CLOUD_CREDENTIALS,
                f"The registry {endpoint} gives no token for the operator's identity in Azure: it"
                f" answers HTTP {answer.status}.",
            )
        expires_at = claims_of(given).get("exp")
        return Grant(
            Credentials(_USER, given),
            float(expires_at) if isinstance(expires_at, int | float) else 0.0,
        )

    async def _exchanged(self, endpoint: str, token: str) -> Answer:
        form = {"grant_type": "access_token", "service": endpoint, "access_token": token}
        async with (
            guarded_session(
                self.policy,
                self.timeout,
                refused=Reason.REGISTRY_REFUSED,
                unreachable=Reason.NO_CLOUD_CREDENTIALS,
            ) as http,
            http.post(
                f"{self.scheme}://{endpoint}/oauth2/exchange", data=form, allow_redirects=False
            ) as response,
        ):
            body = await read_bounded(response, _BODY_LIMIT)
            return Answer(response.status, response.headers.copy(), body)


def _entra_token() -> str:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - an extra

    with DefaultAzureCredential() as identity:
        return str(identity.get_token(_AUDIENCE).token)
