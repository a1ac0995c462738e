"""Tags become digests, and credentials go nowhere else."""

import asyncio
import hashlib
import json
import logging
import traceback
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.adapters.registry import Access, RegistryClient
from kapsa.models.reasons import Reason
from tests.unit.adapters.conftest import Handler, Serve

CANARY = "canary-t0ken"
TOKEN = "canary-bearer"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": INDEX}).encode()
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
OTHER = "sha256:" + "0" * 64
ADA = Credentials("ada", CANARY)
OPEN = Access(insecure=True)


@pytest.fixture
def client(policy: AddressPolicy) -> RegistryClient:
    return RegistryClient(policy, timeout=5)


@dataclass
class FakeRegistry:
    """Has the image acme/shop:1, and shows it to whom its challenge lets in."""

    challenge: str = ""
    allowed: str = "nobody"
    headers: dict[str, str] = field(default_factory=lambda: {"Docker-Content-Digest": DIGEST})
    token: Any = field(default_factory=lambda: {"token": TOKEN})
    token_status: int = 200
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    accepted: str = ""
    scopes: list[str] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.Response:
        authorization = request.headers.get("Authorization", "")
        self.seen.append((request.method, request.path, authorization))
        if request.path == "/token":
            self.scopes.append(request.query.get("scope", ""))
            return web.json_response(self.token, status=self.token_status)
        if self.challenge and authorization != self.allowed:
            challenge = self.challenge.replace("HERE", str(request.url.origin()))
            return error(401, "UNAUTHORIZED", WWW_Authenticate=challenge)
        self.accepted = request.headers.get("Accept", "")
        if request.path == "/v2/":
            return web.json_response({})
        if request.path in {"/v2/acme/shop/manifests/1", f"/v2/acme/shop/manifests/{DIGEST}"}:
            headers = {"Content-Type": INDEX, **self.headers}
            return web.Response(body=MANIFEST, headers=headers)
        return error(404, "MANIFEST_UNKNOWN")


def error(status: int, code: str, message: str = "said so", **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"errors": [{"code": code, "message": message}]}
    return web.json_response(body, status=status, headers=named)


def saying(status: int, body: Any = "", **headers: str) -> Handler:
    """A fake server that gives every request the same answer."""

    async def answer(request: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=named)

    return answer


async def host_of(serve: Serve, handler: Handler) -> str:
    return (await serve(handler)).removeprefix("http://")


async def test_a_tag_becomes_a_digest(client: RegistryClient, serve: Serve) -> None:
    server = FakeRegistry()
    host = await host_of(serve, server)

    assert await client.resolve(f"{host}/acme/shop:1", OPEN) == f"{host}/acme/shop@{DIGEST}"
    assert server.seen == [("HEAD", "/v2/acme/shop/manifests/1", "")]
    for kind in ("image.index.v1", "image.manifest.v1", "manifest.list.v2", "manifest.v2"):
        assert kind in server.accepted


@pytest.mark.parametrize("headers", [{}, {"Docker-Content-Digest": "md5:1"}])
async def test_without_a_usable_header_the_manifest_is_hashed(
    client: RegistryClient, serve: Serve, headers: dict[str, str]
) -> None:
    host = await host_of(serve, FakeRegistry(headers=headers))

    found = await client.resolve(f"{host}/acme/shop:1", OPEN)

    assert found == f"{host}/acme/shop@{DIGEST}"


async def test_a_digest_is_verified_and_comes_back_without_its_tag(
    client: RegistryClient, serve: Serve
) -> None:
    host = await host_of(serve, FakeRegistry())

    for text in (f"{host}/acme/shop:9@{DIGEST}", f"{host}/acme/shop@{DIGEST}"):
        assert await client.resolve(text, OPEN) == f"{host}/acme/shop@{DIGEST}"
    assert await client.resolve(f"{host}/acme/shop@{OTHER}", OPEN) is None


@pytest.mark.parametrize("headers", [{}, {"Docker-Content-Digest": OTHER}])
async def test_an_answer_for_another_digest_is_not_believed(
    client: RegistryClient, serve: Serve, headers: dict[str, str]
) -> None:
    async def liar(request: web.Request) -> web.Response:
        return web.Response(body=MANIFEST + b" ", headers=headers)

    host = await host_of(serve, liar)

    with pytest.raises(Waiting, match="was asked for"):
        await client.resolve(f"{host}/acme/shop@{DIGEST}", OPEN)


@pytest.mark.parametrize("code", ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"])
async def test_an_image_that_does_not_exist_is_none(
    client: RegistryClient, serve: Serve, code: str
) -> None:
    host = await host_of(serve, saying(404, {"errors": [{"code": code}]}))

    assert await client.resolve(f"{host}/acme/shop:2", OPEN) is None


@pytest.mark.parametrize(
    ("handler", "kind", "reason"),
    [
        pytest.param(saying(404, "<html>"), Waiting, "RegistryUnreachable", id="404-page"),
        pytest.param(saying(404, {"errors": 7}), Waiting, "RegistryUnreachable", id="404-odd"),
        pytest.param(saying(200, "<html>"), Waiting, "RegistryUnreachable", id="page"),
        pytest.param(saying(200, "[" * 10**5), Waiting, "RegistryUnreachable", id="deep"),
        pytest.param(saying(200, "x" * 2**23), Waiting, "RegistryUnreachable", id="large"),
        pytest.param(saying(400), Waiting, "RegistryUnreachable", id="400"),
        pytest.param(saying(500), Waiting, "RegistryUnreachable", id="500"),
        pytest.param(
            saying(307, Location="https://x/"), Waiting, "RegistryUnreachable", id="redirect"
        ),
        pytest.param(saying(429), Waiting, "RateLimited", id="429"),
        pytest.param(saying(401), Stalled, "RegistryUnauthorized", id="401"),
        pytest.param(saying(403), Stalled, "RegistryUnauthorized", id="403"),
    ],
)
@pytest.mark.parametrize("credentials", [None, ADA])
async def test_every_answer_has_its_reason(
    client: RegistryClient,
    serve: Serve,
    handler: Handler,
    kind: type[AdapterError],
    reason: str,
    credentials: Credentials | None,
) -> None:
    host = await host_of(serve, handler)

    with pytest.raises(kind, match="127") as raised:
        await client.resolve(f"{host}/acme/shop:1", Access(credentials, insecure=True))

    assert (raised.value.reason, type(raised.value)) == (reason, kind)


@pytest.mark.parametrize(("status", "asked", "seconds"), [(429, "7", 7), (503, "99999", 3600)])
async def test_retry_after_is_honoured_within_bounds(
    client: RegistryClient, serve: Serve, status: int, asked: str, seconds: float
) -> None:
    host = await host_of(serve, saying(status, Retry_After=asked))

    with pytest.raises(Waiting) as waiting:
        await client.resolve(f"{host}/acme/shop:1", OPEN)

    assert waiting.value.retry_after == seconds


async def test_basic_credentials_are_sent_when_the_registry_asks(
    client: RegistryClient, serve: Serve
) -> None:
    server = FakeRegistry('Basic realm="reg"', f"Basic {ADA.basic}")
    host = await host_of(serve, server)

    assert await client.resolve(f"{host}/acme/shop:1", Access(ADA, insecure=True))
    assert [authorization for _, _, authorization in server.seen] == ["", f"Basic {ADA.basic}"]


@pytest.mark.parametrize("credentials", [None, ADA])
@pytest.mark.parametrize("token", [{"token": TOKEN}, {"access_token": TOKEN, "expires_in": 60}])
async def test_a_token_is_fetched_where_the_registry_says(
    client: RegistryClient, serve: Serve, credentials: Credentials | None, token: dict[str, Any]
) -> None:
    challenge = (
        'Bearer realm="HERE/token?x=1",service="reg, all",scope="repository:acme/shop:pull,push"'
    )
    server = FakeRegistry(challenge, f"Bearer {TOKEN}", token=token)
    host = await host_of(serve, server)

    assert await client.resolve(f"{host}/acme/shop:1", Access(credentials, insecure=True))

    basic = f"Basic {ADA.basic}" if credentials else ""
    assert [(path, given) for _, path, given in server.seen] == [
        ("/v2/acme/shop/manifests/1", ""),
        ("/token", basic),
        ("/v2/acme/shop/manifests/1", f"Bearer {TOKEN}"),
    ]
    assert server.scopes == ["repository:acme/shop:pull"]


async def test_no_more_is_asked_than_to_pull_and_only_once(
    client: RegistryClient, serve: Serve
) -> None:
    server = FakeRegistry('Bearer realm="HERE/token"', "Bearer never")
    host = await host_of(serve, server)

    with pytest.raises(Stalled) as stalled:
        await client.resolve(f"{host}/acme/shop:1", Access(ADA, insecure=True))

    assert stalled.value.reason == Reason.REGISTRY_UNAUTHORIZED
    assert [path for _, path, _ in server.seen].count("/token") == 1


@pytest.mark.parametrize(
    ("status", "token", "kind", "reason"),
    [
        (401, {"errors": [{"code": "DENIED"}]}, Stalled, "RegistryUnauthorized"),
        (403, {}, Stalled, "RegistryUnauthorized"),
        (429, {}, Waiting, "RateLimited"),
        (502, {}, Waiting, "RegistryUnreachable"),
        (302, {}, Waiting, "RegistryUnreachable"),
        (404, {}, Waiting, "RegistryUnreachable"),
        (200, {}, Waiting, "RegistryUnreachable"),
        (200, [], Waiting, "RegistryUnreachable"),
        (200, {"token": "a\r\nb"}, Waiting, "RegistryUnreachable"),
        (200, {"token": 7}, Waiting, "RegistryUnreachable"),
    ],
)
async def test_a_token_service_that_gives_no_token_has_its_reason(
    client: RegistryClient,
    serve: Serve,
    status: int,
    token: Any,
    kind: type[AdapterError],
    reason: str,
) -> None:
    server = FakeRegistry('Bearer realm="HERE/token"', token_status=status, token=token)
    host = await host_of(serve, server)

    with pytest.raises(kind) as raised:
        await client.resolve(f"{host}/acme/shop:1", Access(ADA, insecure=True))

    assert (raised.value.reason, type(raised.value)) == (reason, kind)


@pytest.mark.parametrize(
    "realm",
    [
        "",
        "/token",
        "http://localhost:1/token",
        "https://auth.example.com/token",
        "http://169.254.169.254/token",
        "http://127.0.0.1@evil.example.com/token",
        "http://ada@127.0.0.1/token",
        "ftp://127.0.0.1/token",
        "http://127.0.0.1:x/token",
    ],
)
async def test_credentials_go_to_no_other_host_that_an_insecure_registry_names(
    client: RegistryClient, serve: Serve, realm: str
) -> None:
    host = await host_of(serve, FakeRegistry(f'Bearer realm="{realm}"'))

    with pytest.raises(Stalled, match="does not send credentials") as stalled:
        await client.resolve(f"{host}/acme/shop:1", Access(ADA, insecure=True))

    assert stalled.value.reason == Reason.REGISTRY_UNAUTHORIZED


async def test_credentials_do_not_follow_a_redirect(client: RegistryClient, serve: Serve) -> None:
    elsewhere = FakeRegistry()
    target = await serve(elsewhere)
    host = await host_of(serve, saying(302, Location=f"{target}/v2/acme/shop/manifests/1"))

    with pytest.raises(Waiting, match="redirects to"):
        await client.resolve(f"{host}/acme/shop:1", Access(ADA, insecure=True))

    assert elsewhere.seen == []


async def test_a_refusal_repeats_the_registrys_words_but_no_secret(
    client: RegistryClient, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def echo(request: web.Request) -> web.Response:
        if request.path == "/token":
            return web.json_response({"token": TOKEN})
        given = request.headers.get("Authorization", "")
        challenge = f'Bearer realm="{request.url.origin()}/token"'
        words = f"no {given} {CANARY} {ADA.basic}"
        return error(401, "DENIED", words, WWW_Authenticate=challenge)

    host = await host_of(serve, echo)

    with pytest.raises(Stalled, match="DENIED: no Bearer") as stalled:
        await client.resolve(f"{host}/acme/shop:1", Access(ADA, insecure=True))

    shown = "".join(traceback.format_exception(stalled.value)) + caplog.text
    assert "canary" not in shown
    assert ADA.basic not in shown
    assert "does not exist" in stalled.value.message


async def test_a_refusal_to_strangers_says_that_credentials_may_help(
    client: RegistryClient, serve: Serve
) -> None:
    host = await host_of(serve, FakeRegistry('Basic realm="reg"'))

    with pytest.raises(Stalled, match="asks for credentials: name a Registry"):
        await client.resolve(f"{host}/acme/shop:1", OPEN)


@pytest.mark.parametrize(
    ("reference", "kind", "reason"),
    [
        ("no such/Image", Stalled, "InvalidSpec"),
        ("10.0.0.1/acme/shop:1", Stalled, "RegistryRefused"),
        ("169.254.169.254/acme/shop:1", Stalled, "RegistryRefused"),
        ("127.0.0.1:1/acme/shop:1", Waiting, "RegistryUnreachable"),
    ],
)
async def test_what_cannot_be_asked_has_its_reason(
    client: RegistryClient, reference: str, kind: type[AdapterError], reason: str
) -> None:
    with pytest.raises(kind) as raised:
        await client.resolve(reference)

    assert (raised.value.reason, type(raised.value)) == (reason, kind)


async def test_a_registry_that_speaks_no_tls_or_hangs_is_waited_for(
    policy: AddressPolicy, serve: Serve
) -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    hasty = RegistryClient(policy, timeout=0.2)
    host = await host_of(serve, hang)

    with pytest.raises(Waiting, match="in time"):
        await hasty.resolve(f"{host}/acme/shop:1", OPEN)
    with pytest.raises(Waiting, match="can't be reached"):
        await RegistryClient(policy).resolve(f"{host}/acme/shop:1")


async def test_docker_hub_is_asked_at_its_own_address() -> None:
    asked = []

    async def lookup(name: str, port: int) -> tuple[str, ...]:
        asked.append((name, port))
        return ()

    with pytest.raises(Waiting):
        await RegistryClient(AddressPolicy(lookup=lookup)).resolve("nginx:1")

    assert asked == [("registry-1.docker.io", 443)]
