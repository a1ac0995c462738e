"""How each cloud is asked, against stand-ins of the clouds' services on loopback.

The libraries are the real ones. What answers is played here: it shows that the library is called
right and that its answer is understood, and not that a cloud would say the same.
"""

import base64
import datetime
import time
from pathlib import Path

import pytest
from aiohttp import web

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.clouds import acr, ecr, gcr
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from tests.unit.adapters.conftest import Serve
from tests.unit.adapters.registry_rig import jwt

ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
EXPIRY = 2_000_000_000


async def test_amazon_gives_a_password_for_the_region_in_the_host(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    async def play_ecr(request: web.Request) -> web.Response:
        asked.append((request.headers["X-Amz-Target"], request.headers["Authorization"]))
        token = base64.b64encode(b"AWS:canary").decode()
        data = {"authorizationToken": token, "expiresAt": EXPIRY, "proxyEndpoint": f"https://{ECR}"}
        return web.json_response({"authorizationData": [data]})

    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", await serve(play_ecr))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    found = await ecr.grant(ECR)
    assert (found.credentials, found.expires_at) == (Credentials("AWS", "canary"), EXPIRY)
    (target, authorization) = asked[0]
    assert target == "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
    assert "/eu-central-1/ecr/aws4_request" in authorization


async def test_google_gives_the_access_token_of_the_service_account(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play_metadata_server(request: web.Request) -> web.Response:
        account = "/computeMetadata/v1/instance/service-accounts/default/"
        answers = {
            account: {"email": "kapsa@acme.test", "scopes": [], "aliases": ["default"]},
            f"{account}token": {"access_token": "canary", "expires_in": 3600},
        }
        headers = {"Metadata-Flavor": "Google"}
        known = answers.get(request.path) or answers.get(f"{request.path}/")
        if known is None:
            return web.Response(text="acme", headers=headers)
        return web.json_response(known, headers=headers)

    host = (await serve(play_metadata_server)).removeprefix("http://")
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP", "GCE_METADATA_ROOT"):
        monkeypatch.setenv(name, host)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    found = await gcr.grant("gcr.io")
    assert found.credentials == Credentials("oauth2accesstoken", "canary")
    assert 3000 < found.expires_at - time.time() < 3700


class PlayedAzure:
    """Plays the endpoint of a managed identity, and the registry that takes its token."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.forms: list[dict[str, str]] = []
        self.resource = ""

    async def __call__(self, request: web.Request) -> web.Response:
        if request.path == "/identity":
            self.resource = request.query["resource"]
            ends = str(int(datetime.datetime.now(datetime.UTC).timestamp()) + 3600)
            value = {"access_token": "entra", "expires_on": ends, "resource": self.resource}
            return web.json_response({**value, "token_type": "Bearer"})
        self.forms.append({key: str(value) for key, value in (await request.post()).items()})
        return web.json_response({"refresh_token": jwt({"exp": EXPIRY})}, status=self.status)


@pytest.fixture
def managed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "prod")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    return monkeypatch


async def test_azure_gives_a_token_that_the_registry_exchanges(
    serve: Serve, policy: AddressPolicy, managed: pytest.MonkeyPatch
) -> None:
    azure = PlayedAzure()
    origin = await serve(azure)
    managed.setenv("IDENTITY_ENDPOINT", f"{origin}/identity")
    host = origin.removeprefix("http://")
    found = await acr.Exchange(policy, "http").grant(host)
    user = "00000000-0000-0000-0000-000000000000"
    assert found.credentials == Credentials(user, jwt({"exp": EXPIRY}))
    assert found.expires_at == EXPIRY
    assert azure.resource == "https://containerregistry.azure.net"
    assert azure.forms == [{"grant_type": "access_token", "service": host, "access_token": "entra"}]


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [(401, Stalled, "AcrPull"), (500, Waiting, "HTTP 500"), (302, Waiting, "HTTP 302")],
)
async def test_a_registry_of_azure_that_exchanges_nothing_has_its_reason(
    serve: Serve,
    policy: AddressPolicy,
    managed: pytest.MonkeyPatch,
    status: int,
    kind: type[AdapterError],
    message: str,
) -> None:
    origin = await serve(PlayedAzure(status))
    managed.setenv("IDENTITY_ENDPOINT", f"{origin}/identity")
    with pytest.raises(kind, match=message) as raised:
        await acr.Exchange(policy, "http").grant(origin.removeprefix("http://"))
    assert raised.value.reason == "NoCloudCredentials"
