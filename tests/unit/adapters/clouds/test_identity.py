"""What a cloud gives is kept as long as it lasts, and goes to no other host."""

import asyncio
import re

import pytest

from kapsa.adapters.clouds import acr, ecr, gcr
from kapsa.adapters.clouds.grants import Grant
from kapsa.adapters.clouds.identity import CloudIdentity
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting

HOST = "registry.cloud.test"


class Cloud:
    """Gives another password each time, for as long as it is told, or an error."""

    def __init__(self, lifetime: float = 3600.0, error: Exception | None = None) -> None:
        self.now, self.lifetime, self.error = 1000.0, lifetime, error
        self.asked = 0
        self.identity = CloudIdentity(
            "test", "cloud", re.compile(r".*\.cloud\.test"), self.grant, 0.05, lambda: self.now
        )

    async def grant(self, endpoint: str) -> Grant:
        self.asked += 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return Grant(Credentials("u", f"p{self.asked}"), self.now + self.lifetime)

    async def password(self, host: str = HOST, good_for: float = 0.0) -> str:
        return (await self.identity.credentials(host, good_for)).password


async def test_a_cloud_is_asked_again_shortly_before_what_it_gave_ends() -> None:
    cloud = Cloud()
    assert await cloud.password() == "p1"
    cloud.now += 2699
    assert await cloud.password() == "p1"
    cloud.now += 2
    assert await cloud.password() == "p2"


async def test_those_who_ask_at_once_share_one_answer() -> None:
    cloud = Cloud()
    assert set(await asyncio.gather(*(cloud.password() for _ in range(5)))) == {"p1"}


async def test_a_cloud_that_fails_is_asked_once_by_those_who_ask_at_once() -> None:
    cloud = Cloud(error=RuntimeError("no"))
    asked = await asyncio.gather(*(cloud.password() for _ in range(5)), return_exceptions=True)
    assert {type(answer) for answer in asked} == {Waiting}
    assert cloud.asked == 1


async def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    cloud = Cloud()
    first, second = (asyncio.create_task(cloud.password()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "p1"


async def test_what_would_end_before_its_time_is_renewed() -> None:
    cloud = Cloud(lifetime=3600.0)
    await cloud.password()
    cloud.now += 1801
    assert await cloud.password(good_for=1799.0) == "p1"
    assert await cloud.password(good_for=1800.0) == "p2"
    assert await cloud.password() == "p2"


async def test_where_nothing_lives_so_long_a_cloud_is_asked_once_a_minute() -> None:
    cloud = Cloud(lifetime=3600.0)
    assert [await cloud.password(good_for=7200.0) for _ in range(3)] == ["p1"] * 3
    cloud.now += 59
    assert await cloud.password(good_for=7200.0) == "p1"
    cloud.now += 2
    assert await cloud.password(good_for=7200.0) == "p2"


async def test_each_registry_has_its_own() -> None:
    cloud = Cloud()
    assert await cloud.password() != await cloud.password("other.cloud.test")


async def test_what_ends_soon_is_handed_out_once() -> None:
    cloud = Cloud(lifetime=60.0)
    assert [await cloud.password(), await cloud.password()] == ["p1", "p2"]


async def test_a_cloud_is_not_asked_for_another_host() -> None:
    cloud = Cloud()
    with pytest.raises(Stalled, match="no registry of type test") as raised:
        await cloud.password("evil.example.com")
    assert (raised.value.reason, cloud.asked) == ("InvalidSpec", 0)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ModuleNotFoundError("No module named 'cloud'"), Stalled, r"kapsa\[cloud\]"),
        (TimeoutError(), Waiting, "within 0.05 s"),
        (RuntimeError("AccessDenied: no"), Waiting, "AccessDenied: no"),
        (Waiting("RegistryRefused", "as it was"), Waiting, "as it was"),
    ],
)
async def test_a_cloud_that_gives_nothing_has_its_reason(
    error: Exception, kind: type[AdapterError], message: str
) -> None:
    cloud = Cloud(error=error)
    with pytest.raises(kind, match=message):
        await cloud.password()
    cloud.error = None
    assert await cloud.password() == "p2"


async def test_a_cloud_that_hangs_is_not_waited_for() -> None:
    async def hang(endpoint: str) -> Grant:
        await asyncio.Event().wait()
        raise AssertionError(endpoint)

    identity = CloudIdentity("test", "cloud", re.compile(".*"), hang, 0.01)
    with pytest.raises(Waiting) as raised:
        await identity.credentials(HOST)
    assert raised.value.reason == "NoCloudCredentials"


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        (ecr.HOST, "123456789012.dkr.ecr.eu-central-1.amazonaws.com", True),
        (ecr.HOST, "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", True),
        (ecr.HOST, "123456789012.dkr-ecr.eu-west-1.on.aws", True),
        (ecr.HOST, "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example.com", False),
        (gcr.HOST, "gcr.io", True),
        (gcr.HOST, "eu.gcr.io", True),
        (gcr.HOST, "europe-west3-docker.pkg.dev", True),
        (gcr.HOST, "evilgcr.io", False),
        (gcr.HOST, "europe-west3-docker.pkg.dev:8443", False),
        (acr.HOST, "acme.azurecr.io", True),
        (acr.HOST, "acme.azurecr.cn", True),
        (acr.HOST, "acme.azurecr.io.example.com", False),
    ],
)
def test_the_hosts_of_each_cloud_are_known(pattern: re.Pattern[str], host: str, fits: bool) -> None:
    assert bool(pattern.fullmatch(host)) is fits
