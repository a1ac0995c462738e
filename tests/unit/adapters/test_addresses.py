"""Kapsa dials no address that a stranger should not make it dial."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientError, InvalidURL, web

from kapsa.adapters.addresses import AddressPolicy, GuardedResolver, require_https, system_lookup
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.http_client import (
    ResponseTooLargeError,
    guarded_session,
    read_bounded,
    retry_after_seconds,
    waiting_on_failure,
)
from kapsa.models.reasons import Reason
from tests.unit.adapters.conftest import Serve


def answering(*addresses: str) -> Callable[[str, int], Awaitable[tuple[str, ...]]]:
    """A fake resolver that knows the same addresses for every name."""

    async def lookup(host: str, port: int) -> tuple[str, ...]:
        return addresses

    return lookup


@pytest.mark.parametrize(
    ("address", "category"),
    [
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::7f00:1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("169.254.169.254", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("198.18.0.1", "private"),
        ("240.0.0.1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::a00:1", "private"),
        ("fd12::1", "private"),
        ("fec0::1", "private"),
        ("2001:db8::1", "private"),
        ("198.51.100.1", "private"),
    ],
)
async def test_an_inner_address_is_refused(address: str, category: str) -> None:
    policy = AddressPolicy(lookup=answering("93.184.215.14", address))

    with pytest.raises(Stalled, match=category) as refused:
        await policy.resolve("git.example.com", 443)

    assert refused.value.reason == Reason.REPOSITORY_REFUSED
    assert "git.example.com" in refused.value.message
    assert "KAPSA_ALLOWED_PRIVATE_HOSTS" in refused.value.message


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "fd12::1", "::1", "100.64.0.1"])
async def test_an_admin_lets_a_host_be_on_an_inner_address(address: str) -> None:
    policy = AddressPolicy(("Git.Example.com",), ("10.0.0.0/8",), lookup=answering(address))

    assert await policy.resolve("git.example.COM.", 443) == (address,)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "100.100.100.200", "0.0.0.0", "224.0.0.1"]
)
async def test_no_setting_lets_a_host_be_on_link_local_or_metadata_addresses(address: str) -> None:
    policy = AddressPolicy(("git.example.com", "*"), lookup=answering(address))

    with pytest.raises(Stalled, match="no setting allows that"):
        await policy.resolve("git.example.com", 443)


async def test_the_star_allows_private_but_no_loopback_or_forbidden_addresses() -> None:
    def policy(address: str) -> AddressPolicy:
        return AddressPolicy(("*",), ("10.96.0.1/32",), lookup=answering(address))

    assert await policy("10.0.0.1").resolve("git.example.com", 443) == ("10.0.0.1",)
    with pytest.raises(Stalled, match="loopback"):
        await policy("127.0.0.1").resolve("git.example.com", 443)
    with pytest.raises(Stalled, match="internal"):
        await policy("10.96.0.1").resolve("git.example.com", 443)


async def test_public_addresses_pass() -> None:
    found = ("93.184.215.14", "2606:2800:21f:cb07::1")

    assert await AddressPolicy(lookup=answering(*found)).resolve("example.com", 443) == found


async def test_a_literal_address_is_checked_without_a_look_up() -> None:
    policy = AddressPolicy(lookup=answering("93.184.215.14"))

    with pytest.raises(Stalled, match="private"):
        await policy.resolve("10.0.0.1", 443)
    with pytest.raises(Stalled, match="loopback"):
        await policy.resolve("[::1]", 443)


async def test_the_reasons_are_the_callers() -> None:
    with pytest.raises(Stalled) as refused:
        await AddressPolicy().resolve("10.0.0.1", 443, refused=Reason.REGISTRY_UNREACHABLE)

    assert refused.value.reason == Reason.REGISTRY_UNREACHABLE


async def test_a_name_that_does_not_resolve_is_waited_for() -> None:
    async def unknown(host: str, port: int) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for lookup in (unknown, answering()):
        with pytest.raises(Waiting, match=r"git\.example\.com") as waiting:
            await AddressPolicy(lookup=lookup).resolve("git.example.com", 443)
        assert waiting.value.reason == Reason.REPOSITORY_UNREACHABLE


async def test_a_name_server_that_hangs_is_given_up() -> None:
    async def hanging(host: str, port: int) -> tuple[str, ...]:
        return await _forever()

    with pytest.raises(Waiting, match="no answer"):
        await AddressPolicy(lookup=hanging, lookup_timeout=0.05).resolve("git.example.com", 443)


async def _forever() -> tuple[str, ...]:
    await asyncio.Event().wait()
    return ()


async def test_numbers_that_the_system_reads_as_an_address_are_refused() -> None:
    for host in ("127.1", "2130706433", "0x7f.1"):
        with pytest.raises(Stalled, match="loopback"):
            await AddressPolicy().resolve(host, 443)


async def test_the_system_knows_localhost() -> None:
    assert set(await system_lookup("localhost", 80)) <= {"127.0.0.1", "::1"}


def test_http_needs_permission_and_other_schemes_are_never_allowed() -> None:
    require_https("https://git.example.com/a/b", allow_http=False)
    require_https("http://git.example.com/a/b", allow_http=True)
    with pytest.raises(Stalled, match="KAPSA_ALLOW_HTTP_REPOSITORIES"):
        require_https("http://git.example.com/a/b", allow_http=False)
    for url in ("file:///etc/passwd", "ext::sh", "ssh://git.example.com/a", "//x/y", ""):
        with pytest.raises(Stalled) as refused:
            require_https(url, allow_http=True)
        assert refused.value.reason == Reason.REPOSITORY_REFUSED


async def ok(request: web.Request) -> web.Response:
    return web.Response(text="x" * 100)


async def test_the_session_dials_the_address_that_was_checked(serve: Serve) -> None:
    port = (await serve(ok)).rpartition(":")[2]
    policy = AddressPolicy(("git.example.com",), lookup=answering("127.0.0.1"))

    async with (
        guarded_session(policy, 5) as session,
        session.get(f"http://git.example.com:{port}/", allow_redirects=False) as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.1.2.3"])
async def test_the_session_refuses_names_and_literals(host: str) -> None:
    async with guarded_session(AddressPolicy(), 5, refused=Reason.FORGE_UNREACHABLE) as session:
        with pytest.raises(Stalled) as refused:
            await session.get(f"http://{host}:9/", allow_redirects=False)

    assert refused.value.reason == Reason.FORGE_UNREACHABLE


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1"])
async def test_the_session_refuses_shortened_addresses(host: str) -> None:
    async with guarded_session(AddressPolicy(), 5) as session:
        with pytest.raises((Stalled, InvalidURL)):
            await session.get(f"http://{host}:9/", allow_redirects=False)


async def test_the_session_takes_nothing_from_the_environment(
    serve: Serve, policy: AddressPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await serve(ok)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async with guarded_session(policy, 5) as session, session.get(url) as response:
        assert response.status == 200


async def test_a_body_is_read_up_to_its_bound(serve: Serve, policy: AddressPolicy) -> None:
    url = await serve(ok)

    async with guarded_session(policy, 5) as session:
        async with session.get(url) as response:
            assert len(await read_bounded(response, 100)) == 100
        async with session.get(url) as response:
            with pytest.raises(ResponseTooLargeError, match="99 bytes"):
                await read_bounded(response, 99)


async def test_the_resolver_answers_in_the_form_of_aiohttp() -> None:
    policy = AddressPolicy(lookup=answering("93.184.215.14", "2606:2800:21f:cb07::1"))
    resolver = GuardedResolver(policy, Reason.FORGE_UNREACHABLE, Reason.FORGE_UNREACHABLE)

    found = await resolver.resolve("example.com", 443)

    assert [(entry["host"], entry["family"]) for entry in found] == [
        ("93.184.215.14", socket.AF_INET),
        ("2606:2800:21f:cb07::1", socket.AF_INET6),
    ]
    await resolver.close()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 42.0),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 1.0),
        ({"Retry-After": "99999999999999999999"}, 3600.0),
        ({"Retry-After": "-5"}, 42.0),
        ({"Retry-After": "soon"}, 42.0),
        (
            {
                "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
                "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1.0),
        ({"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, 3600.0),
    ],
)
def test_retry_after_is_honoured_in_both_forms_and_bounded(
    headers: dict[str, str], seconds: float
) -> None:
    assert retry_after_seconds(headers, 42.0) == seconds


def test_failures_of_the_network_become_waiting_without_secrets() -> None:
    for error in (ClientError("token s3cret"), OSError("s3cret refused")):
        with (
            pytest.raises(Waiting, match="The server"),
            waiting_on_failure(Reason.FORGE_UNREACHABLE, "The server x", ("s3cret",)),
        ):
            raise error
    with (
        pytest.raises(Waiting, match="in time"),
        waiting_on_failure(Reason.FORGE_UNREACHABLE, "The server x"),
    ):
        raise TimeoutError
