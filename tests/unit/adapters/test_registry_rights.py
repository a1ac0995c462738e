"""Whether a registry lets Kapsa do something is found out without doing it."""

import ssl
from collections.abc import Callable

import pytest
from aiohttp import web

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.adapters.registry import Access, RegistryClient
from kapsa.core.images.rights import Right
from tests.certificates import self_signed
from tests.unit.adapters.conftest import Handler, Serve
from tests.unit.adapters.registry_rig import ADA, CANARY, RightsRegistry, error, push

KNOWN = Access(ADA, insecure=True)
STRANGER = Access(insecure=True)
SHOP, BLOG = Right("acme/shop"), Right("acme/blog")


@pytest.fixture
def client(policy: AddressPolicy) -> RegistryClient:
    return RegistryClient(policy, timeout=5)


async def host_of(serve: Serve, handler: Handler) -> str:
    return (await serve(handler)).removeprefix("http://")


@pytest.mark.parametrize("tokens", ["", "jwt", "opaque"])
async def test_what_a_registry_refuses_is_told_by_repository(
    client: RegistryClient, serve: Serve, tokens: str
) -> None:
    server = RightsRegistry({"acme/shop": ("pull", "push"), "acme/blog": ("pull",)}, tokens)
    host = await host_of(serve, server)
    wanted = (push("acme/shop"), SHOP, push("acme/blog"), BLOG, Right("acme/wiki"))
    refused = await client.verify(host, KNOWN, wanted)
    assert sorted(refused) == sorted([push("acme/blog"), Right("acme/wiki")])
    assert server.begun == 0


async def test_a_token_that_says_what_it_is_good_for_spares_every_other_request(
    client: RegistryClient, serve: Serve
) -> None:
    server = RightsRegistry({"acme/shop": ("pull", "push")}, "jwt")
    host = await host_of(serve, server)
    refused = await client.verify(host, KNOWN, (push("acme/shop"), BLOG))
    assert refused == {BLOG: "its token service does not grant pull"}
    assert server.requests == ["GET /v2/", "GET /v2/"]
    assert sorted(server.scopes) == [
        "",
        "repository:acme/blog:pull",
        "repository:acme/shop:pull,push",
    ]


async def test_a_push_is_begun_and_given_up(client: RegistryClient, serve: Serve) -> None:
    server = RightsRegistry({"acme/shop": ("pull", "push")})
    host = await host_of(serve, server)
    assert await client.verify(host, KNOWN, (push("acme/shop"),)) == {}
    assert "DELETE /v2/acme/shop/blobs/uploads/7?_state=a%3D%3D" in server.requests


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/v2/x", "http://elsewhere.example.com/v2/x", "", "/admin"]
)
async def test_an_upload_that_the_registry_keeps_elsewhere_is_left(
    client: RegistryClient, serve: Serve, location: str
) -> None:
    server = RightsRegistry({"acme/shop": ("pull", "push")}, location=location)
    host = await host_of(serve, server)
    assert await client.verify(host, KNOWN, (push("acme/shop"),)) == {}
    assert not [request for request in server.requests if request.startswith("DELETE")]


async def test_the_registrys_words_for_a_refusal_are_kept(
    client: RegistryClient, serve: Serve
) -> None:
    host = await host_of(serve, RightsRegistry({}))
    refused = await client.verify(host, KNOWN, (push("acme/shop"),))
    assert refused[push("acme/shop")] == "it answers HTTP 403. It says: DENIED: no push"


@pytest.mark.parametrize("tokens", ["", "jwt"])
async def test_credentials_that_are_refused_altogether_stall(
    client: RegistryClient, serve: Serve, tokens: str
) -> None:
    host = await host_of(serve, RightsRegistry({}, tokens))
    wrong = Access(Credentials("ada", "canary-wrong"), insecure=True)
    with pytest.raises(Stalled, match="refuses the credentials") as raised:
        await client.verify(host, wrong, (SHOP,))
    assert raised.value.reason == "RegistryUnauthorized"
    assert "canary" not in raised.value.message


async def test_a_stranger_needs_to_be_let_in_for_single_repositories_only(
    client: RegistryClient, serve: Serve
) -> None:
    async def half_open(request: web.Request) -> web.Response:
        if request.path.startswith("/v2/acme/shop/"):
            return web.json_response({"tags": []})
        return error(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="reg"')

    host = await host_of(serve, half_open)
    refused = await client.verify(host, STRANGER, (SHOP, BLOG))
    assert list(refused) == [BLOG]
    with pytest.raises(Stalled, match="asks for credentials"):
        await client.verify(host, STRANGER)


async def test_a_registry_that_asks_nobody_is_good(client: RegistryClient, serve: Serve) -> None:
    async def opened(request: web.Request) -> web.Response:
        return web.json_response({})

    assert await client.verify(await host_of(serve, opened), KNOWN, (SHOP,)) == {}


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (lambda: web.Response(status=404), Waiting, "RegistryUnreachable"),
        (lambda: web.Response(text="<html>", content_type="text/html"), Waiting,
         "RegistryUnreachable"),
        (lambda: web.Response(status=500), Waiting, "RegistryUnreachable"),
        (lambda: web.Response(status=429), Waiting, "RateLimited"),
        (lambda: web.Response(status=401), Stalled, "RegistryUnauthorized"),
        (lambda: web.Response(status=307, headers={"Location": "http://169.254.169.254/"}),
         Waiting, "RegistryUnreachable"),
    ],
    ids=["404", "page", "500", "429", "401", "redirect"],
)  # fmt: skip
async def test_a_server_that_is_no_registry_has_its_reason(
    client: RegistryClient,
    serve: Serve,
    answer: Callable[[], web.Response],
    kind: type[AdapterError],
    reason: str,
) -> None:
    async def say(request: web.Request) -> web.Response:
        return answer()

    host = await host_of(serve, say)
    with pytest.raises(kind) as raised:
        await client.verify(host, KNOWN, (SHOP,))
    assert (raised.value.reason, type(raised.value)) == (reason, kind)


async def test_a_failure_half_way_is_no_refusal(client: RegistryClient, serve: Serve) -> None:
    async def tired(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.path == "/v2/" else 503)

    with pytest.raises(Waiting, match="HTTP 503"):
        await client.verify(await host_of(serve, tired), KNOWN, (SHOP,))


@pytest.mark.parametrize(
    ("realm", "reason"),
    [
        ("http://169.254.169.254/token", "RegistryUnauthorized"),
        ("https://169.254.169.254/token", "RegistryUnauthorized"),
        ("https://auth.example.com/token", "RegistryUnauthorized"),
    ],
)
async def test_credentials_to_push_go_to_no_other_host_either(
    client: RegistryClient, serve: Serve, realm: str, reason: str
) -> None:
    async def sly(request: web.Request) -> web.Response:
        return error(401, "UNAUTHORIZED", WWW_Authenticate=f'Bearer realm="{realm}"')

    host = await host_of(serve, sly)
    for ask in (
        client.verify(host, KNOWN, (push("acme/shop"),)),
        client.scoped_token(f"{host}/acme/shop", ("pull", "push"), KNOWN),
    ):
        with pytest.raises(Stalled, match="does not send credentials") as raised:
            await ask
        assert raised.value.reason == reason


async def test_a_token_is_for_one_repository_and_says_how_long(
    client: RegistryClient, serve: Serve
) -> None:
    server = RightsRegistry({"acme/shop": ("pull", "push")}, "jwt")
    host = await host_of(serve, server)
    token = await client.scoped_token(f"{host}/acme/shop", ("pull", "push"), KNOWN)
    assert token is not None
    assert token.expires_in == 300
    assert server.scopes == ["repository:acme/shop:pull,push"]
    assert token.value not in repr(token)


async def test_where_there_are_no_tokens_there_is_none(
    client: RegistryClient, serve: Serve
) -> None:
    host = await host_of(serve, RightsRegistry({}))
    assert await client.scoped_token(f"{host}/acme/shop", ("push",), KNOWN) is None


async def test_a_token_that_is_good_for_less_is_refused(
    client: RegistryClient, serve: Serve
) -> None:
    host = await host_of(serve, RightsRegistry({"acme/shop": ("pull",)}, "jwt"))
    with pytest.raises(Stalled, match="no token to pull and push acme/shop"):
        await client.scoped_token(f"{host}/acme/shop", ("pull", "push"), KNOWN)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """Return a server's side of TLS at 127.0.0.1, and the certificate that it is known by."""
    made = self_signed()
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_text(made.key + made.certificate)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(file)
    return tls, made.certificate


async def test_a_registry_is_known_by_the_certificates_that_are_given(
    client: RegistryClient, serve: Serve, certificate: tuple[ssl.SSLContext, str]
) -> None:
    tls, ca = certificate
    server = RightsRegistry({"acme/shop": ("pull", "push")}, "jwt")
    host = (await serve(server, tls)).removeprefix("https://")
    assert await client.verify(host, Access(ADA, ca=ca), (push("acme/shop"),)) == {}
    with pytest.raises(Waiting, match="certificate verify failed"):
        await client.verify(host, Access(ADA))
    # Only the first of the two conversations got as far as a request.
    assert server.requests == ["GET /v2/", "GET /v2/"]


async def test_a_token_service_on_a_metadata_address_is_never_called(
    client: RegistryClient, serve: Serve, certificate: tuple[ssl.SSLContext, str]
) -> None:
    async def sly(request: web.Request) -> web.Response:
        realm = 'Bearer realm="https://169.254.169.254/token"'
        return error(401, "UNAUTHORIZED", WWW_Authenticate=realm)

    tls, ca = certificate
    host = (await serve(sly, tls)).removeprefix("https://")
    with pytest.raises(Stalled, match="link-local") as raised:
        await client.verify(host, Access(ADA, ca=ca), (SHOP,))
    assert raised.value.reason == "RegistryRefused"


def test_access_shows_nothing() -> None:
    assert CANARY not in repr(KNOWN)
